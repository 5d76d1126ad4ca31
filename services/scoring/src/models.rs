//! Which model makes scores, and which others are tried beside it.
//!
//! Postgres alone says so: whoever asks reads a few rows, so that all replicas agree at any moment. What is
//! kept in memory is what cannot change: what a file of numbers was read into.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use klout_score_math::{Model, ModelInvalid, counted::Model as CountedModel};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tracing::{info, instrument};

use crate::{
    error::{Error, LOOK_TIME_MAX, ending},
    store::{
        self,
        model::{ModelState, StoredModel},
    },
};

/// How large a model file may be: some ten times what the built-in one is.
pub(crate) const FILE_BYTES_MAX: usize = 64 * 1024;

/// How many models may be in shadow, announced ones among them: each makes every pass compute everybody
/// once more.
pub(crate) const SHADOWS_MAX: usize = 4;

/// How long the name of a model may be: it is in every row of the history.
const NAME_BYTES_MAX: usize = 64;

/// How often it is looked whether there are shadow scores that nobody reads any more.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_secs(2);

/// People whose shadow scores are taken away in one statement.
const SWEEP_STEP: i64 = 8_192;

static BUILT_IN: LazyLock<Arc<Model>> = LazyLock::new(|| {
    Arc::new(Model::load(Model::CURRENT_FILE).expect("a test reads the built-in model"))
});

/// The models of this deployment.
#[derive(Clone, Debug)]
pub(crate) struct Models {
    db: PgPool,
    /// What was read from numbers, of models that are still there.
    loaded: Arc<Mutex<Vec<Arc<Model>>>>,
}

/// The model that a pass scores by.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    pub(crate) model: Arc<Model>,
    /// Whether it is announced and its time has come: who publishes the epoch also calls
    /// [`Models::go_over`].
    pub(crate) goes_over: bool,
}

// === impl Models ===

impl Models {
    pub(crate) fn new(db: PgPool) -> Self {
        Self { db, loaded: Arc::default() }
    }

    /// Every model, by name. In a new installation the newest one that is compiled in serves.
    pub(crate) async fn all(&self, now: OffsetDateTime) -> Result<Vec<StoredModel>, Error> {
        let read =
            || async { store::model::all(&self.db).await.map_err(Error::store("read the models")) };
        let models = read().await?;
        if models.iter().any(|model| model.state == ModelState::Serving) {
            return Ok(models);
        }
        let before: Vec<_> = CountedModel::all().map(CountedModel::name).collect();
        store::model::register(&self.db, &first(now), &before)
            .await
            .map_err(Error::store("note the models that are compiled in"))?;
        read().await
    }

    /// The model that a pass at this time scores by: the announced one whose time has come, of several the
    /// last, else the one that serves.
    #[instrument(name = "models.serving", skip_all)]
    pub(crate) async fn serving(&self, now: OffsetDateTime) -> Result<Serving, Error> {
        let models = self.all(now).await?;
        let chosen = due(&models, now).or_else(|| serving(&models)).ok_or(Error::ModelMissing)?;
        let goes_over = chosen.state == ModelState::Announced;
        Ok(Serving { model: self.load(chosen, &models)?, goes_over })
    }

    /// Whether an announced model waits for a pass.
    pub(crate) async fn is_due(&self, now: OffsetDateTime) -> Result<bool, Error> {
        Ok(due(&self.all(now).await?, now).is_some())
    }

    /// The models that a pass at this time scores everybody by too, by name.
    #[instrument(name = "models.shadows", skip_all)]
    pub(crate) async fn shadows(&self, now: OffsetDateTime) -> Result<Vec<Arc<Model>>, Error> {
        let models = self.all(now).await?;
        let due = due(&models, now).map(|model| model.name.as_str());
        let shadows = models.iter().filter(|model| model.state.is_shadow());
        let beside = shadows.filter(|model| Some(model.name.as_str()) != due);
        beside.map(|model| self.load(model, &models)).collect()
    }

    /// Lets an announced model serve, and retires the one that did. For the transaction that publishes the
    /// first epoch of it: until that commits nobody sees either.
    ///
    /// Returns whether it was still announced; if not, there is nothing to publish.
    #[instrument(name = "models.go_over", skip_all, fields(model = name))]
    pub(crate) async fn go_over(connection: &mut PgConnection, name: &str) -> Result<bool, Error> {
        store::model::retire(&mut *connection)
            .await
            .map_err(Error::store("retire the model that served"))?;
        let announced = store::model::serve(&mut *connection, name)
            .await
            .map_err(Error::store("let a model serve"))?;
        info!(announced, "going over to another model");
        Ok(announced)
    }

    /// Takes a model in, in shadow; one that is there stays as it is, and one that is retired comes back.
    #[instrument(name = "models.shadow", skip_all)]
    pub(crate) async fn shadow(
        &self,
        numbers: &str,
        now: OffsetDateTime,
    ) -> Result<StoredModel, Error> {
        let model = check(numbers)?;
        let name = model.name();
        self.all(now).await?;
        let mut transaction =
            self.db.begin().await.map_err(Error::store("begin to take a model in"))?;
        store::model::lock(&mut transaction).await.map_err(Error::store("lock the models"))?;
        let models =
            store::model::all(&mut *transaction).await.map_err(Error::store("read the models"))?;
        match models.iter().find(|known| known.name == name) {
            Some(known) if known.checksum != model.checksum() => {
                let taken = ModelInvalid::NameTaken { name: name.to_owned() };
                return Err(Error::ModelInvalid { problem: taken.to_string() });
            }
            Some(known) if known.state != ModelState::Retired => return Ok(known.clone()),
            Some(_) | None if shadows(&models) >= SHADOWS_MAX => return Err(Error::ModelsTooMany),
            Some(_) => {
                store::model::shadow_again(&mut *transaction, name)
                    .await
                    .map_err(Error::store("put a model in shadow again"))?;
            }
            None => {
                store::model::add(&mut *transaction, name, model.checksum(), numbers)
                    .await
                    .map_err(Error::store("add a model"))?;
            }
        }
        transaction.commit().await.map_err(Error::store("commit a model"))?;
        self.known(name, now).await
    }

    /// Announces that a model serves from a time on.
    #[instrument(name = "models.announce", skip_all, fields(model = name))]
    pub(crate) async fn announce(
        &self,
        name: &str,
        time: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<StoredModel, Error> {
        if time <= now {
            let (field, problem) = ("serve_time", "is not in the future");
            return Err(Error::FieldInvalid { field, problem });
        }
        let announced = store::model::announce(&self.db, name, time)
            .await
            .map_err(Error::store("announce a model"))?;
        let model = self.known(name, now).await?;
        if announced {
            return Ok(model);
        }
        let problem = match model.state {
            ModelState::Serving | ModelState::Retired => "it is not in shadow",
            ModelState::Shadow | ModelState::Announced => "no pass has scored by it yet",
        };
        Err(Error::ModelState { name: model.name, problem })
    }

    /// Takes an announcement back, and the model away; its scores follow.
    #[instrument(name = "models.withdraw", skip_all, fields(model = name))]
    pub(crate) async fn withdraw(&self, name: &str, now: OffsetDateTime) -> Result<(), Error> {
        let withdrawn = store::model::withdraw(&self.db, name)
            .await
            .map_err(Error::store("withdraw a model"))?;
        if withdrawn {
            return Ok(());
        }
        let name = self.known(name, now).await?.name;
        Err(Error::ModelState { name, problem: "it serves, or served" })
    }

    /// Takes the shadow scores of a model away that is not in shadow any more, in statements of an instant each;
    /// returns whether there was one. What is not finished is begun again.
    #[instrument(name = "models.sweep", skip_all)]
    pub(crate) async fn sweep(&self, stop: &CancellationToken) -> Result<bool, Error> {
        let name = ending(LOOK_TIME_MAX, store::model::to_sweep(&self.db))
            .await?
            .map_err(Error::store("look for shadow scores that nobody reads"))?;
        let Some(name) = name else { return Ok(false) };
        let mut after = 0;
        while let Some(last) = store::shadow_score::sweep(&self.db, &name, after, SWEEP_STEP)
            .await
            .map_err(Error::store("take shadow scores away"))?
        {
            if stop.is_cancelled() {
                return Ok(false);
            }
            after = last;
        }
        store::model::note_swept(&self.db, &name)
            .await
            .map_err(Error::store("note that shadow scores are gone"))?;
        Ok(true)
    }

    /// A model, which has to be there.
    pub(crate) async fn known(
        &self,
        name: &str,
        now: OffsetDateTime,
    ) -> Result<StoredModel, Error> {
        let mut models = self.all(now).await?.into_iter();
        let found = models.find(|model| model.name == name);
        found.ok_or_else(|| Error::ModelUnknown { name: name.to_owned() })
    }

    /// Reads a model's numbers, once. What is not among `all` any more is forgotten.
    fn load(&self, stored: &StoredModel, all: &[StoredModel]) -> Result<Arc<Model>, Error> {
        let is = |model: &Model, stored: &StoredModel| {
            model.name() == stored.name && model.checksum() == stored.checksum
        };
        // Nothing panics while it is held; and if it did, what is there is still right.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|model| all.iter().any(|stored| is(model, stored)));
        if let Some(model) = loaded.iter().find(|model| is(model, stored)) {
            return Ok(Arc::clone(model));
        }
        let broken = |source| Error::ModelBroken { name: stored.name.clone(), source };
        let model = Arc::new(Model::load(&stored.numbers).map_err(broken)?);
        loaded.push(Arc::clone(&model));
        Ok(model)
    }
}

/// The model that serves where nobody has chosen another one.
pub(crate) fn built_in() -> Arc<Model> {
    Arc::clone(&BUILT_IN)
}

/// The model of an epoch that was published.
pub(crate) async fn named(db: &mut PgConnection, name: &str) -> Result<Arc<Model>, Error> {
    if name == built_in().name() {
        return Ok(built_in());
    }
    let numbers = store::model::numbers(db, name).await.map_err(Error::store("read a model"))?;
    let numbers = numbers.ok_or_else(|| Error::ModelGone { model: name.to_owned() })?;
    let broken = |source| Error::ModelBroken { name: name.to_owned(), source };
    Model::load(&numbers).map(Arc::new).map_err(broken)
}

/// The newest model that is compiled in, as one that serves.
fn first(now: OffsetDateTime) -> StoredModel {
    let model = Model::current();
    StoredModel {
        name: model.name().to_owned(),
        checksum: model.checksum().to_owned(),
        numbers: Model::CURRENT_FILE.to_owned(),
        state: ModelState::Serving,
        announce_time: None,
        serve_time: Some(now),
        shadow_epoch: None,
    }
}

/// The announced model whose time has come, of several the one that was announced for the latest.
fn due(models: &[StoredModel], now: OffsetDateTime) -> Option<&StoredModel> {
    let announced = models.iter().filter(|model| model.state == ModelState::Announced);
    let due = announced.filter(|model| model.announce_time.is_some_and(|time| time <= now));
    due.max_by_key(|model| (model.announce_time, &model.name))
}

/// The model that serves.
pub(crate) fn serving(models: &[StoredModel]) -> Option<&StoredModel> {
    models.iter().find(|model| model.state == ModelState::Serving)
}

fn shadows(models: &[StoredModel]) -> usize {
    models.iter().filter(|model| model.state.is_shadow()).count()
}

/// Reads a model file that somebody sent.
fn check(numbers: &str) -> Result<Model, Error> {
    let invalid = |problem: String| Error::ModelInvalid { problem };
    if numbers.len() > FILE_BYTES_MAX {
        let problem = format!("a model file has at most {FILE_BYTES_MAX} bytes, and this has");
        return Err(invalid(format!("{problem} {}", numbers.len())));
    }
    let model = Model::load(numbers).map_err(|error| invalid(error.to_string()))?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let name = model.name();
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(good) {
        return Err(invalid(format!(
            "`name` has to be 1 to {NAME_BYTES_MAX} letters, digits, dots, hyphens and underscores"
        )));
    }
    Ok(model)
}

#[cfg(test)]
mod tests {
    use klout_testkit::Stores;
    use time::macros::datetime;

    use super::*;
    use crate::{MIGRATOR, store::shadow_score::ShadowScores};

    const NOW: OffsetDateTime = datetime!(2018-06-01 12:00 UTC);
    const MONDAY: OffsetDateTime = datetime!(2018-06-04 00:00 UTC);
    const TUESDAY: OffsetDateTime = datetime!(2018-06-05 00:00 UTC);

    /// The numbers of the built-in model with another name, as a file whose checksum is right.
    fn numbers(name: &str) -> String {
        let current = Model::current();
        let file = Model::CURRENT_FILE.replace(current.name(), name);
        let refused = Model::load(&file).expect_err("the checksum covers the name");
        let ModelInvalid::Checksum { right, .. } = refused else { panic!("{refused}") };
        file.replace(current.checksum(), &right)
    }

    async fn models() -> Models {
        let db = Stores::fresh().await.db().await;
        klout_store::migrate(&db, &MIGRATOR).await.expect("migrated");
        Models::new(db)
    }

    /// Takes a model in, and says that a pass scored by it.
    async fn shadowed(models: &Models, name: &str) {
        models.shadow(&numbers(name), NOW).await.expect("taken in");
        store::model::note_shadowed(&models.db, name, 1).await.expect("noted");
    }

    async fn go_over(models: &Models, name: &str) -> bool {
        let mut transaction = models.db.begin().await.expect("begun");
        let announced = Models::go_over(&mut transaction, name).await.expect("the store answers");
        if announced {
            transaction.commit().await.expect("committed");
        }
        announced
    }

    async fn states(models: &Models) -> String {
        let models = models.all(NOW).await.expect("models");
        let states = models.iter().map(|it| format!("{} {}", it.name, it.state.as_str()));
        states.collect::<Vec<_>>().join(", ")
    }

    #[tokio::test]
    async fn a_new_installation_serves_the_model_that_is_compiled_in() {
        let models = models().await;
        let serving = models.serving(NOW).await.expect("a model");
        assert_eq!(serving.model.checksum(), Model::current().checksum());
        assert!(!serving.goes_over);
        assert!(models.shadows(NOW).await.expect("models").is_empty());
        assert_eq!(states(&models).await, "klout-2027-01 SERVING");
    }

    #[tokio::test]
    async fn replicas_that_start_together_register_once() {
        let models = models().await;
        let all = (0..8).map(|_| models.serving(NOW));
        let all: Vec<_> = futures::future::try_join_all(all).await.expect("each has a model");
        assert!(all.iter().all(|it| it.model.name() == Model::current().name()));
        assert_eq!(states(&models).await, "klout-2027-01 SERVING");
    }

    #[tokio::test]
    async fn the_model_of_old_scores_is_retired() {
        let models = models().await;
        sqlx::raw_sql(
            "insert into scoring.score (person_id, revision, score_time, model, epoch) \
             values (1, 1, now(), 'klout-2026-11', 0)",
        )
        .execute(&models.db)
        .await
        .expect("a score");
        assert_eq!(states(&models).await, "klout-2026-11 RETIRED, klout-2027-01 SERVING");
    }

    #[tokio::test]
    async fn an_announced_model_serves_from_the_first_pass_after_its_time() {
        let models = models().await;
        shadowed(&models, "own-1").await;
        models.announce("own-1", MONDAY, NOW).await.expect("announced");

        let before = models.serving(MONDAY - time::Duration::SECOND).await.expect("a model");
        assert_eq!((before.model.name(), before.goes_over), ("klout-2027-01", false));
        assert_eq!(models.shadows(NOW).await.expect("models").len(), 1, "it is tried until then");

        let after = models.serving(MONDAY).await.expect("a model");
        assert_eq!((after.model.name(), after.goes_over), ("own-1", true));
        assert!(models.shadows(MONDAY).await.expect("models").is_empty());
        assert_eq!(states(&models).await, "klout-2027-01 SERVING, own-1 ANNOUNCED");

        assert!(go_over(&models, "own-1").await);
        assert_eq!(states(&models).await, "klout-2027-01 RETIRED, own-1 SERVING");
        let serving = models.serving(TUESDAY).await.expect("a model");
        assert_eq!((serving.model.name(), serving.goes_over), ("own-1", false));
        let known = models.known("own-1", TUESDAY).await.expect("it is there");
        assert_eq!(known.serve_time, Some(MONDAY));
    }

    #[tokio::test]
    async fn a_pass_that_lost_its_announcement_publishes_nothing() {
        let models = models().await;
        shadowed(&models, "own-1").await;
        models.announce("own-1", MONDAY, NOW).await.expect("announced");
        assert!(models.serving(MONDAY).await.expect("a model").goes_over);
        models.withdraw("own-1", MONDAY).await.expect("withdrawn");

        assert!(!go_over(&models, "own-1").await, "it is gone");
        assert_eq!(states(&models).await, "klout-2027-01 SERVING");
    }

    #[tokio::test]
    async fn of_two_whose_times_have_come_the_later_serves_and_the_other_goes_into_the_shadow() {
        let models = models().await;
        for (name, time) in [("own-1", MONDAY), ("own-2", TUESDAY)] {
            shadowed(&models, name).await;
            models.announce(name, time, NOW).await.expect("announced");
        }
        assert_eq!(models.serving(MONDAY).await.expect("a model").model.name(), "own-1");
        assert_eq!(models.serving(TUESDAY).await.expect("a model").model.name(), "own-2");
        assert!(go_over(&models, "own-2").await);
        let expected = "klout-2027-01 RETIRED, own-1 SHADOW, own-2 SERVING";
        assert_eq!(states(&models).await, expected);
    }

    #[tokio::test]
    async fn one_can_go_back_to_a_model_that_served() {
        let models = models().await;
        shadowed(&models, "own-1").await;
        models.announce("own-1", MONDAY, NOW).await.expect("announced");
        assert!(go_over(&models, "own-1").await);

        models.shadow(Model::CURRENT_FILE, NOW).await.expect("taken in again");
        let too_soon = models.announce("klout-2027-01", TUESDAY, NOW).await;
        assert!(matches!(too_soon, Err(Error::ModelState { .. })), "no pass has scored by it");
        models.withdraw("klout-2027-01", NOW).await.expect("withdrawn");
        assert_eq!(states(&models).await, "klout-2027-01 RETIRED, own-1 SERVING");

        models.shadow(Model::CURRENT_FILE, NOW).await.expect("taken in again");
        store::model::note_shadowed(&models.db, "klout-2027-01", 2).await.expect("noted");
        models.announce("klout-2027-01", TUESDAY, NOW).await.expect("announced");
        assert!(go_over(&models, "klout-2027-01").await);
        assert_eq!(states(&models).await, "klout-2027-01 SERVING, own-1 RETIRED");
    }

    #[tokio::test]
    async fn scores_of_a_model_that_is_gone_are_not_written_and_those_of_one_that_goes_are_dropped()
    {
        let models = models().await;
        let scores = ShadowScores {
            people: (1..=10_000).collect(),
            scores: vec![Some(10.0); 10_000],
            influences: vec![Some(1.0); 10_000],
            serving: vec![None; 10_000],
        };
        let write = async || {
            store::shadow_score::renew(&models.db, "own-1", 1, NOW, &scores)
                .await
                .expect("written");
            let pairs = store::shadow_score::pairs(&models.db, "own-1", 0, 0, 20_000);
            pairs.await.expect("pairs").len()
        };
        assert_eq!(write().await, 0, "nobody knows it");
        shadowed(&models, "own-1").await;
        assert_eq!(write().await, 10_000);
        assert_eq!(write().await, 10_000, "each is replaced");
        models.withdraw("own-1", NOW).await.expect("withdrawn");
        assert_eq!(write().await, 10_000, "those that were there still are");
        let stop = CancellationToken::new();
        assert!(models.sweep(&stop).await.expect("swept"));
        assert_eq!(write().await, 0, "it is gone");
        assert!(!models.sweep(&stop).await.expect("nothing is left"));
    }

    #[tokio::test]
    async fn a_model_that_went_over_leaves_no_shadow_scores() {
        let models = models().await;
        let stop = CancellationToken::new();
        shadowed(&models, "own-1").await;
        let scores = ShadowScores {
            people: vec![1],
            scores: vec![Some(10.0)],
            influences: vec![None],
            serving: vec![None],
        };
        let renewed = store::shadow_score::renew(&models.db, "own-1", 1, NOW, &scores);
        renewed.await.expect("written");
        assert!(!models.sweep(&stop).await.expect("it is in shadow"));

        models.announce("own-1", MONDAY, NOW).await.expect("announced");
        assert!(go_over(&models, "own-1").await);
        assert!(models.sweep(&stop).await.expect("swept"));
        let left = store::shadow_score::pairs(&models.db, "own-1", 0, 0, 10);
        assert!(left.await.expect("pairs").is_empty());
        assert!(!models.sweep(&stop).await.expect("nothing is left"));
        assert_eq!(states(&models).await, "klout-2027-01 RETIRED, own-1 SERVING");
    }

    #[tokio::test]
    async fn a_name_is_free_again_when_its_model_never_served() {
        let models = models().await;
        shadowed(&models, "own-1").await;
        models.withdraw("own-1", NOW).await.expect("withdrawn");
        assert_eq!(states(&models).await, "klout-2027-01 SERVING");
        let model = models.shadow(&numbers("own-1"), NOW).await.expect("taken in again");
        assert_eq!((model.state, model.shadow_epoch), (ModelState::Shadow, None));
        let stop = CancellationToken::new();
        assert!(!models.sweep(&stop).await.expect("it is in shadow"));
    }

    #[tokio::test]
    async fn what_was_read_of_a_model_is_kept_until_it_is_gone() {
        let models = models().await;
        shadowed(&models, "own-1").await;
        let read = async || models.shadows(NOW).await.expect("models").remove(0);
        assert!(Arc::ptr_eq(&read().await, &read().await));
        models.withdraw("own-1", NOW).await.expect("withdrawn");
        models.serving(NOW).await.expect("a model");
        let kept = models.loaded.lock().expect("nobody panicked").len();
        assert_eq!(kept, 1);
    }
}
