//! A pass over everybody: once a UTC day, since evidence decays, and whenever scoring knows another epoch or another
//! ontology came into use.
//!
//! 0. It begins: everybody is to be computed.
//! 1. What people's posts are about by their words alone is found out. Who is known for something else than before
//!    has their posts read again.
//! 2. These are read, and their authors computed: now everybody's topics are right but for what influencers are known
//!    for and which topics are related.
//! 3. What is related is found out, and everybody is computed once more with that.
//!
//! So topics after a pass are a function of the evidence, the day, the epoch and the ontology, in whatever order
//! signals came. A pass that another day or another ontology overtakes ends where it is. Each step is a transaction that holds the pass, so that any replica takes the next one.

use std::{sync::Arc, time::Duration};

use futures::TryStreamExt as _;
use klout_chassis::{Chain, failpoint};
use klout_model::TopicId;
use klout_topic_math::related::{RelatedTopics, related};
use sqlx::{PgConnection, PgPool};
use tokio::{
    sync::{Notify, mpsc},
    task::spawn_blocking,
};
use tracing::{debug, info, instrument};

use crate::{
    error::Error,
    evidence::{Gatherer, Window},
    ontologies::{Current, Ontologies},
    store::{
        self,
        pass::{Last, Occasion},
    },
};

/// How often it is looked whether a pass is due.
pub(crate) const INTERVAL: Duration = Duration::from_millis(250);

/// People on their way to where it is found out which topics are related.
const PEOPLE_AHEAD_MAX: usize = 1_024;

/// What stages are called.
pub(crate) mod stage {
    pub(crate) const BEGUN: i16 = 0;
    pub(crate) const ALONE: i16 = 1;
    pub(crate) const AGAIN: i16 = 2;
    pub(crate) const ALL: i16 = 3;
}

/// What passes need.
#[derive(Clone, Debug)]
pub(crate) struct Passer {
    pub(crate) db: PgPool,
    pub(crate) ontologies: Ontologies,
    pub(crate) gatherer: Gatherer,
    /// Between two of one day there is as long a rest as the first took, and no longer than this.
    pub(crate) pause_max: Duration,
    /// Rung when there are people to compute.
    pub(crate) people_changed: Arc<Notify>,
}

// === impl Passer ===

impl Passer {
    /// Goes on with a pass, or begins one that is due.
    #[instrument(name = "pass", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let store = Error::store;
        let current = self.ontologies.current().await?;
        let last = store::pass::last(&self.db).await.map_err(store("look for a pass"))?;
        if !last.is_some_and(|it| it.going_on) {
            return self.begin(&current, last).await;
        }
        let mut transaction = self.db.begin().await.map_err(store("begin a step of a pass"))?;
        let pass = store::pass::take(&mut transaction).await;
        let Some(pass) = pass.map_err(store("hold a pass"))? else { return Ok(false) };
        let went_on = self.go_on(&mut transaction, &current, pass).await?;
        failpoint!("topics.pass.written");
        transaction.commit().await.map_err(store("commit a step of a pass"))?;
        failpoint!("topics.pass.committed");
        if went_on {
            self.people_changed.notify_one();
        }
        Ok(went_on)
    }

    /// Whether a pass is to begin, now or when the last one is long enough ago.
    pub(crate) async fn is_due(&self) -> Result<bool, Error> {
        let store = Error::store;
        let current = self.ontologies.current().await?;
        let last = store::pass::last(&self.db).await.map_err(store("look for a pass"))?;
        if last.is_some_and(|it| it.going_on) || self.due(&current, last).await.is_none() {
            return Ok(false);
        }
        store::pass::anybody(&self.db).await.map_err(store("look for members"))
    }

    /// What a pass is due for.
    async fn due(&self, current: &Current, last: Option<Last>) -> Option<Occasion> {
        let day = Window::of(&self.gatherer.clock).last();
        let generation = current.in_use.generation;
        let epoch = self.gatherer.epoch().await.unwrap_or_else(|error| {
            debug!(error = %Chain(&error), "scoring does not tell its epoch");
            None
        });
        // A day begins all the same; who is computed waits for scoring.
        let epoch = epoch.map_or(last.map_or(0, |it| it.epoch), u64::cast_signed);
        let done =
            last.is_some_and(|it| (it.day, it.epoch, it.generation) == (day, epoch, generation));
        (!done).then_some(Occasion { day, epoch, generation })
    }

    async fn begin(&self, current: &Current, last: Option<Last>) -> Result<bool, Error> {
        let Some(due) = self.due(current, last).await else { return Ok(false) };
        let of_today = last.filter(|it| (it.day, it.generation) == (due.day, due.generation));
        let rests = of_today
            .is_some_and(|it| it.seconds < self.pause_max.as_secs_f64().min(it.work_seconds));
        if rests {
            return Ok(false);
        }
        let begun = store::pass::begin(&self.db, due).await;
        begun.map_err(Error::store("begin a pass"))
    }

    async fn go_on(
        &self,
        db: &mut PgConnection,
        current: &Current,
        pass: store::pass::Pass,
    ) -> Result<bool, Error> {
        let store = Error::store;
        let generation = current.in_use.generation;
        let day = Window::of(&self.gatherer.clock).last();
        if (pass.day, pass.generation) != (day, generation) {
            // The next one computes everybody anyway, and begins at once.
            store::pass::end(&mut *db, pass.pass_id).await.map_err(store("end a pass"))?;
            info!(pass = pass.pass_id, "a pass is overtaken");
            return Ok(true);
        }
        let waits = store::dirty_person::any_up_to(&mut *db, pass.up_to).await;
        let waits = waits.map_err(store("look whether everybody is computed"))?;
        let reading = store::post::unfinished(&mut *db, generation).await;
        let reading = reading.map_err(store("look for posts to read"))?;
        if pass.stage != stage::BEGUN && (waits || reading.of_before) {
            return Ok(false);
        }
        let (stage, up_to) = match pass.stage {
            stage::BEGUN => (stage::ALONE, mark_everybody(&mut *db).await?),
            stage::ALONE | stage::AGAIN if reading.again => return Ok(false),
            stage::ALONE => {
                let up_to = store::dirty_person::last(&mut *db).await;
                (stage::AGAIN, up_to.map_err(store("look where the list ends"))?)
            }
            stage::AGAIN => {
                self.relate(&mut *db, current).await?;
                (stage::ALL, mark_everybody(&mut *db).await?)
            }
            _ => {
                store::pass::end(&mut *db, pass.pass_id).await.map_err(store("end a pass"))?;
                store::pass::forget(db, pass.pass_id).await.map_err(store("forget passes"))?;
                info!(pass = pass.pass_id, "a pass is done");
                return Ok(true);
            }
        };
        let went_on = store::pass::go_on(db, pass.pass_id, stage, up_to).await;
        went_on.map_err(store("go on with a pass"))?;
        Ok(true)
    }

    /// Finds out what is related.
    async fn relate(&self, db: &mut PgConnection, current: &Current) -> Result<(), Error> {
        let store = Error::store;
        let (sender, mut receiver) = mpsc::channel::<Vec<(TopicId, f64)>>(PEOPLE_AHEAD_MAX);
        let ontology = Arc::clone(&current.ontology);
        let found = spawn_blocking(move || {
            related(&ontology, std::iter::from_fn(|| receiver.blocking_recv()))
        });
        let mut known = store::related_topic::known(&mut *db);
        let mut person: (i64, Vec<(TopicId, f64)>) = (0, Vec::new());
        while let Some(it) = known.try_next().await.map_err(store("read who knows what"))? {
            if it.person != person.0 {
                let before = std::mem::replace(&mut person, (it.person, Vec::new()));
                // Nobody listens any more when it panicked, which is told below.
                let _ = sender.send(before.1).await;
            }
            person.1.extend(current.topics([it.topic]).map(|topic| (topic, it.strength)));
        }
        drop(known);
        let _ = sender.send(person.1).await;
        drop(sender);
        let found: RelatedTopics = found.await.map_err(Error::Lost)?;
        let pairs: Vec<(i64, i64, f64)> = found
            .iter()
            .flat_map(|(topic, others)| {
                others.iter().map(move |it| (topic.bits(), it.topic.bits(), it.closeness))
            })
            .collect();
        store::related_topic::renew(db, &pairs).await.map_err(store("write what is related"))
    }
}

/// Puts everybody on the list who has not left. Whoever forgets somebody right now waits, or this does for them.
/// Returns where the list ends.
async fn mark_everybody(db: &mut PgConnection) -> Result<i64, Error> {
    let store = Error::store;
    store::person_state::share_erased(&mut *db)
        .await
        .map_err(store("wait for changes of states"))?;
    let up_to = store::dirty_person::mark_everybody(db).await;
    up_to.map_err(store("mark everybody dirty"))
}
