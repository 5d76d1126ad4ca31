//! Reads scores: from memory, then Redis and Postgres, and asks social-graph about those who have none yet.

use std::{collections::HashMap, sync::Arc, time::Duration};

use klout_chassis::{Clock, Link, within};
use klout_model::{PersonId, Purpose, Purposes};
use klout_proto::{
    convert::{self, state},
    graph::v1::{BatchGetPeopleRequest, graph_service_client::GraphServiceClient},
    people::State,
    revision::{Deployment, Revision},
    score::v1::Score,
};
use klout_store::Reads;
use sqlx::PgPool;
use tracing::instrument;

use crate::{
    cached::{Answer, Cached, Moment},
    encoded::EncodedScore,
    epochs::Epochs,
    error::Error,
    flights::{Flights, Landed, Landing},
    metrics::{Tier, TierReads},
    score::to_wire,
    store::{self, person_state::Standing},
};

/// How often somebody is looked for who is somebody else now. Who was merged is never somebody who was merged too, but
/// for the moment in which that changes.
const MOVES_MAX: usize = 4;

/// Somebody who is there for a purpose.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Who they are now.
    pub(crate) person: PersonId,
    pub(crate) score: EncodedScore,
}

/// Whether somebody who withholds consent to some purposes is there for one.
const fn visible_to(purpose: Purpose, withheld: Purposes) -> bool {
    purpose.sees(withheld)
}

/// What reading needs.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) db: PgPool,
    pub(crate) reads: Reads,
    pub(crate) cached: Cached,
    pub(crate) flights: Flights,
    pub(crate) clock: Clock,
    pub(crate) epochs: Epochs,
    pub(crate) graph: GraphServiceClient<Link>,
    /// How long a read below memory may take.
    pub(crate) time_max: Duration,
    pub(crate) counts: TierReads,
    /// Whose revision tokens scores carry.
    pub(crate) deployment: Deployment,
}

// === impl Reader ===

impl Reader {
    /// The quickest answer for one person.
    pub(crate) async fn score(&self, person: PersonId) -> Result<Answer, Error> {
        let id = person.get();
        if let Some(answer) = self.cached.remembered(id) {
            self.counts.found(Tier::Memory, &answer);
            return Ok(answer);
        }
        self.counts.missed(Tier::Memory, 1);
        let mut answers = self.read(&[id]).await?;
        Ok(answers.remove(&id).unwrap_or(Answer::Nobody))
    }

    /// The score of a person that memory has, if it may be told for a purpose.
    pub(crate) fn remembered(&self, person: PersonId, purpose: Purpose) -> Option<EncodedScore> {
        let answer = self.cached.remembered(person.get())?;
        if !matches!(&answer, Answer::Score(score) if visible_to(purpose, score.withheld)) {
            return None;
        }
        self.counts.found(Tier::Memory, &answer);
        answer.into_score()
    }

    /// The quickest answers for these people, in their order.
    pub(crate) async fn scores(&self, people: &[PersonId]) -> Result<Vec<Answer>, Error> {
        let remembered = self.cached.remembered_all(people.iter().map(|person| person.get()));
        let mut missing: Vec<i64> = people
            .iter()
            .zip(&remembered)
            .filter(|(_, answer)| answer.is_none())
            .map(|(person, _)| person.get())
            .collect();
        for answer in remembered.iter().flatten() {
            self.counts.found(Tier::Memory, answer);
        }
        self.counts.missed(Tier::Memory, missing.len());
        missing.sort_unstable();
        missing.dedup();
        let read = if missing.is_empty() { HashMap::new() } else { self.read(&missing).await? };
        let answer = |(answer, person): (Option<Answer>, &PersonId)| {
            let read = || read.get(&person.get()).cloned().unwrap_or(Answer::Nobody);
            answer.unwrap_or_else(read)
        };
        Ok(remembered.into_iter().zip(people).map(answer).collect())
    }

    /// Who somebody is now, and their score, if it may be told for a purpose.
    ///
    /// # Errors
    ///
    /// Also when there is no such person for that purpose.
    pub(crate) async fn visible(&self, person: PersonId, purpose: Purpose) -> Result<Seen, Error> {
        let seen = match self.score(person).await? {
            Answer::Score(score) => {
                visible_to(purpose, score.withheld).then_some(Seen { person, score })
            }
            Answer::Nobody => None,
            Answer::Moved(into) => {
                let into = PersonId::new(into).ok_or(Error::PersonUnknown { person })?;
                self.visible_all(&[into], purpose).await?.pop().flatten()
            }
        };
        seen.ok_or(Error::PersonUnknown { person })
    }

    /// The same of people, in their order.
    pub(crate) async fn visible_all(
        &self,
        people: &[PersonId],
        purpose: Purpose,
    ) -> Result<Vec<Option<Seen>>, Error> {
        let mut now = people.to_vec();
        let mut answers = self.scores(people).await?;
        for _ in 0..MOVES_MAX {
            let moved = |(place, answer): (usize, &Answer)| match answer {
                Answer::Moved(into) => Some((place, PersonId::new(*into)?)),
                Answer::Score(_) | Answer::Nobody => None,
            };
            let (places, into): (Vec<usize>, Vec<PersonId>) =
                answers.iter().enumerate().filter_map(moved).unzip();
            if places.is_empty() {
                break;
            }
            for ((place, person), answer) in
                places.into_iter().zip(&into).zip(self.scores(&into).await?)
            {
                (now[place], answers[place]) = (*person, answer);
            }
        }
        let seen = |(person, answer)| match answer {
            Answer::Score(score) => {
                visible_to(purpose, score.withheld).then_some(Seen { person, score })
            }
            Answer::Nobody | Answer::Moved(_) => None,
        };
        Ok(now.into_iter().zip(answers).map(seen).collect())
    }

    /// The newest score of a person, past all caches.
    pub(crate) async fn stored_score(&self, person: PersonId) -> Result<Answer, Error> {
        let mut landing = self.stored(&[person.get()]).await?;
        Ok(landing.answers.remove(&person.get()).map_or(Answer::Nobody, |it| it.answer))
    }

    /// An answer for a person that is not older than a revision which Postgres has: from the caches, if they
    /// have heard of it.
    pub(crate) async fn score_since(
        &self,
        person: PersonId,
        revision: u64,
    ) -> Result<Answer, Error> {
        match self.score(person).await? {
            Answer::Score(score) if score.revision >= revision => Ok(Answer::Score(score)),
            Answer::Score(_) | Answer::Nobody | Answer::Moved(_) => self.stored_score(person).await,
        }
    }

    /// Below memory, where each is read once at a time.
    async fn read(&self, people: &[i64]) -> Result<HashMap<i64, Answer>, Error> {
        let reader = self.clone();
        let read = |people, moment| async move {
            within(reader.time_max, reader.read_below(people, moment))
                .await
                .map_err(Error::TooSlow)?
        };
        self.flights.join(people, read).await
    }

    /// From Redis and, for those whom it does not have, from Postgres.
    #[instrument(name = "read_scores", skip_all, fields(people.len = people.len()))]
    async fn read_below(&self, people: Vec<i64>, moment: Option<Moment>) -> Result<Landing, Error> {
        let Some(moment) = moment else { return self.stored(&people).await };
        if people.len() == 1 && self.reads.at_rest() {
            return self.whoever_is_first(moment, people).await;
        }
        let kept = self.kept(moment, &people).await;
        let missing: Vec<i64> =
            people.into_iter().filter(|person| !kept.contains_key(person)).collect();
        let mut landing = match missing[..] {
            [] => Landing::default(),
            _ => self.stored(&missing).await?,
        };
        landing.answers.extend(kept);
        Ok(landing)
    }

    /// From Redis and Postgres at once, for one person and while Postgres has little to do: a miss then
    /// takes no longer than Postgres.
    async fn whoever_is_first(&self, moment: Moment, people: Vec<i64>) -> Result<Landing, Error> {
        let reader = self.clone();
        let asked = people.clone();
        let mut stored = Box::pin(async move {
            within(reader.time_max, reader.stored(&asked)).await.map_err(Error::TooSlow)?
        });
        tokio::select! {
            kept = self.kept(moment, &people) => {
                if kept.is_empty() {
                    return stored.await;
                }
                // A statement that is given up takes its connection with it.
                self.flights.let_end(stored);
                Ok(Landing { answers: kept, scores: Vec::new() })
            }
            stored = &mut stored => stored,
        }
    }

    /// What Redis has.
    async fn kept(&self, moment: Moment, people: &[i64]) -> HashMap<i64, Landed> {
        let Some(found) = self.cached.get(moment, people).await else {
            self.counts.failed(Tier::Redis, people.len());
            return HashMap::new();
        };
        found.values().for_each(|answer| self.counts.found(Tier::Redis, answer));
        self.counts.missed(Tier::Redis, people.len() - found.len());
        let lasting = |(id, answer)| (id, Landed { answer, lasting: true });
        found.into_iter().map(lasting).collect()
    }

    /// What Postgres has, and social-graph says about the others.
    async fn stored(&self, people: &[i64]) -> Result<Landing, Error> {
        let ids: Arc<[i64]> = people.into();
        let known = self
            .reads
            .read(|db| {
                let ids = Arc::clone(&ids);
                Box::pin(async move { store::score::known(db, &ids).await })
            })
            .await;
        let scores = self.counted(people.len(), known)?;
        let mut answers: HashMap<i64, Landed> = scores
            .iter()
            .map(|score| {
                let wire = to_wire(score, false, self.deployment);
                let answer = Answer::Score(EncodedScore::from(&wire).withheld(score.withheld));
                (score.person, Landed { answer, lasting: true })
            })
            .collect();
        if answers.len() < people.len() {
            let rest = people.iter().filter(|person| !answers.contains_key(person)).copied();
            let rest = self.without_known_score(rest.collect()).await?;
            answers.extend(rest);
        }
        answers.values().for_each(|it| self.counts.found(Tier::Postgres, &it.answer));
        Ok(Landing { answers, scores })
    }

    /// The state of those who had no known score a moment ago. They are read once more, all of one moment: who
    /// was scored since is not taken for somebody without evidence.
    async fn without_known_score(&self, people: Arc<[i64]>) -> Result<HashMap<i64, Landed>, Error> {
        let found = self
            .reads
            .read(|db| {
                let ids = Arc::clone(&people);
                Box::pin(async move { store::score::find(db, &ids).await })
            })
            .await;
        let found = self.counted(people.len(), found)?;
        let mut landed = HashMap::with_capacity(people.len());
        let mut strangers = Vec::new();
        for person in people.iter() {
            let withheld = match found.get(person).map(|found| found.standing) {
                // Whatever social-graph says of them: it may know less than this service was told.
                Some(Standing::Gone) => {
                    landed.insert(*person, Landed { answer: Answer::Nobody, lasting: true });
                    continue;
                }
                Some(Standing::Moved(into)) => {
                    landed.insert(*person, Landed { answer: Answer::Moved(into), lasting: true });
                    continue;
                }
                Some(Standing::Member(withheld)) => withheld,
                None => Purposes::NONE,
            };
            let score = match found.get(person) {
                Some(store::score::Found { score: Some(score), dirty, .. }) => {
                    to_wire(score, *dirty, self.deployment)
                }
                Some(found) if found.dirty => self.without_score(person, state::PENDING),
                Some(_) | None => {
                    strangers.push(*person);
                    continue;
                }
            };
            let answer = Answer::Score(EncodedScore::from(&score).withheld(withheld));
            // Somebody without evidence is pending as soon as there is some.
            landed.insert(*person, Landed { answer, lasting: false });
        }
        self.counts.missed(Tier::Postgres, strangers.len());
        if !strangers.is_empty() {
            let newcomers = self.newcomers(&strangers).await?;
            landed.extend(strangers.into_iter().map(|person| {
                let told = match found.get(&person).map(|found| found.standing) {
                    Some(Standing::Member(withheld)) => withheld,
                    Some(Standing::Gone | Standing::Moved(_)) | None => Purposes::NONE,
                };
                let score = newcomers.get(&person).map(|(score, withheld)| {
                    let all = withheld.iter().fold(told, Purposes::with);
                    EncodedScore::from(score).withheld(all)
                });
                let lasting = score.is_none();
                (person, Landed { answer: score.map_or(Answer::Nobody, Answer::Score), lasting })
            }));
        }
        Ok(landed)
    }

    /// What was read of so many people, or why it was not.
    fn counted<T>(&self, people: usize, read: Result<T, sqlx::Error>) -> Result<T, Error> {
        read.map_err(|error| {
            self.counts.failed(Tier::Postgres, people);
            Error::store("read scores")(error)
        })
    }

    /// Those whom social-graph knows although scoring has not heard of them yet.
    async fn newcomers(&self, people: &[i64]) -> Result<HashMap<i64, (Score, Purposes)>, Error> {
        let people = people.iter().map(ToString::to_string).collect();
        let response = self
            .graph
            .clone()
            .batch_get_people(BatchGetPeopleRequest { people })
            .await
            .map_err(Error::Peer)?;
        let newcomers = response.into_inner().people.into_iter().filter_map(|person| {
            let id: i64 = person.person.parse().ok()?;
            if person.state == State::Withheld.as_str() {
                return None;
            }
            let state = if person.accounts.is_empty() { state::UNKNOWN } else { state::PENDING };
            // What a later version has people withhold is not known here.
            let withheld = Purposes::parse(&person.withheld_purposes).unwrap_or_default();
            Some((id, (self.without_score(&id, state), withheld)))
        });
        Ok(newcomers.collect())
    }

    fn without_score(&self, person: &i64, state: &str) -> Score {
        let epoch = self.epochs.known();
        Score {
            person: person.to_string(),
            state: state.to_owned(),
            score_time: Some(convert::timestamp(self.clock.now())),
            model: epoch.model.name().to_owned(),
            epoch: epoch.number,
            revision_token: Revision::Score(0).to_token(self.deployment),
            ..Score::default()
        }
    }
}
