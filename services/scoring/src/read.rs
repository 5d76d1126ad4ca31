//! Reads scores: from Redis, then Postgres, and asks social-graph about those who have none yet.

use std::collections::BTreeMap;

use klout_chassis::Clock;
use klout_chassis::Link;
use klout_model::PersonId;
use klout_proto::{
    convert::{self, state},
    graph::v1::{BatchGetPeopleRequest, graph_service_client::GraphServiceClient},
    revision::Revision,
    score::v1::Score,
};
use klout_score_math::{Epoch, Model};
use sqlx::PgPool;
use tracing::instrument;

use crate::{cached::Cached, error::Error, score::to_wire, store};

/// What reading needs.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) db: PgPool,
    pub(crate) cached: Cached,
    pub(crate) clock: Clock,
    pub(crate) model: &'static Model,
    pub(crate) graph: GraphServiceClient<Link>,
}

// === impl Reader ===

impl Reader {
    /// The quickest answer for each of these people, by person. Who is missing does not exist.
    pub(crate) async fn scores(
        &self,
        people: &[PersonId],
    ) -> Result<BTreeMap<PersonId, Score>, Error> {
        let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
        let cached = self.cached.get(&ids).await;
        let mut missing = Vec::new();
        let mut scores = BTreeMap::new();
        for (person, score) in people.iter().zip(cached) {
            match score {
                Some(score) => {
                    scores.insert(*person, score);
                }
                None => missing.push(*person),
            }
        }
        if !missing.is_empty() {
            scores.append(&mut self.stored_scores(&missing).await?);
        }
        Ok(scores)
    }

    /// The newest scores, past all caches.
    #[instrument(skip_all, fields(people.len = people.len()))]
    pub(crate) async fn stored_scores(
        &self,
        people: &[PersonId],
    ) -> Result<BTreeMap<PersonId, Score>, Error> {
        let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
        let standing = self.cached.standing();
        let found =
            store::score::find(&self.db, &ids).await.map_err(Error::store("read scores"))?;
        self.cached.fill(standing, found.values().filter_map(|found| found.score.as_ref())).await;

        let mut scores = BTreeMap::new();
        let mut strangers = Vec::new();
        for person in people {
            match found.get(&person.get()) {
                Some(store::score::Found { score: Some(score), dirty }) => {
                    scores.insert(*person, to_wire(score, *dirty));
                }
                Some(found) if found.dirty => {
                    scores.insert(*person, self.without_score(*person, state::PENDING));
                }
                Some(_) | None => strangers.push(*person),
            }
        }
        if !strangers.is_empty() {
            scores.append(&mut self.newcomers(&strangers).await?);
        }
        Ok(scores)
    }

    /// Those whom social-graph knows although scoring has not heard of them yet.
    async fn newcomers(&self, people: &[PersonId]) -> Result<BTreeMap<PersonId, Score>, Error> {
        let people = people.iter().map(ToString::to_string).collect();
        let response = self
            .graph
            .clone()
            .batch_get_people(BatchGetPeopleRequest { people })
            .await
            .map_err(Error::Peer)?;
        let newcomers = response.into_inner().people.into_iter().filter_map(|person| {
            let id: PersonId = person.person.parse().ok()?;
            let state = if person.accounts.is_empty() { state::UNKNOWN } else { state::PENDING };
            Some((id, self.without_score(id, state)))
        });
        Ok(newcomers.collect())
    }

    fn without_score(&self, person: PersonId, state: &str) -> Score {
        Score {
            person: person.to_string(),
            state: state.to_owned(),
            score_time: Some(convert::timestamp(self.clock.now())),
            model: self.model.name().to_owned(),
            epoch: Epoch::ZERO.number(),
            revision_token: Revision::Score(0).to_token(),
            ..Score::default()
        }
    }
}
