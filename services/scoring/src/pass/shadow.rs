//! What the models in shadow say of everybody, of the evidence of one pass.

use std::sync::Arc;

use bytes::Bytes;
use klout_score_engine::{Block, Census, Graph, Identity, Scope};
use klout_score_math::Model;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tracing::instrument;

use super::{PEOPLE_MAX, Work};
use crate::{
    error::Error,
    publish::SILENCE_MAX,
    store::{self, score::NewScore, shadow_score::ShadowScores},
};

/// Everybody's scores by a model in shadow.
#[derive(Debug)]
pub(super) struct Shadow {
    model: Arc<Model>,
    scores: ShadowScores,
}

/// Scores everybody by a model in shadow, as a pass does that it serves.
pub(super) fn compute(
    model: &Arc<Model>,
    scope: Scope<'_>,
    blocks: Vec<Block<Bytes>>,
) -> Result<Shadow, Error> {
    let scope = Scope { model, ..scope };
    let Census { evidence, people, .. } = Census::take(scope, blocks).map_err(Error::Packed)?;
    let graph = Graph::new(model, evidence);
    let epoch = graph.epoch(model);
    let (of_everybody, _) = graph.scores(model, &epoch);
    let mut scores = ShadowScores::default();
    for (identity, score) in people.iter().zip(of_everybody) {
        // Members come first.
        let Identity::Person(person) = identity else { break };
        scores.people.push(*person);
        scores.scores.push(score.as_ref().map(|score| score.score.points()));
        scores.influences.push(score.as_ref().map(|score| score.influence));
    }
    Ok(Shadow { model: Arc::clone(model), scores })
}

impl Work<'_> {
    /// Writes what models in shadow say; each can be compared when all of it is there. `false`: somebody else works
    /// on the pass, or the process stops.
    #[instrument(name = "pass_write_shadows", skip_all)]
    pub(super) async fn write_shadows(
        &self,
        shadows: Vec<Shadow>,
        serving: &[NewScore],
        cells: u64,
        stop: &CancellationToken,
    ) -> Result<bool, Error> {
        let store = Error::store;
        let db = &self.passer.db;
        let people = serving.len();
        for Shadow { model, mut scores } in shadows {
            // Both are of the same evidence, and so of the same people in the same order.
            scores.serving = serving.iter().map(|it| it.known.map(|known| known.score)).collect();
            while !scores.people.is_empty() {
                let progress = self.progress(super::state::WRITING, people, people, cells);
                let ours = store::pass::go_on(db, self.claim, SILENCE_MAX, &progress).await;
                if stop.is_cancelled() || !ours.map_err(store("go on with a pass"))? {
                    return Ok(false);
                }
                let left = scores.people.len().saturating_sub(PEOPLE_MAX);
                let some = ShadowScores {
                    people: scores.people.split_off(left),
                    scores: scores.scores.split_off(left),
                    influences: scores.influences.split_off(left),
                    serving: scores.serving.split_off(left),
                };
                self.write_shadow(&model, self.now, &some).await?;
            }
            store::model::note_shadowed(db, model.name(), self.epoch)
                .await
                .map_err(store("note that a model was tried"))?;
        }
        Ok(true)
    }

    async fn write_shadow(
        &self,
        model: &Model,
        now: OffsetDateTime,
        scores: &ShadowScores,
    ) -> Result<(), Error> {
        let store = Error::store;
        let action = "write scores by a model in shadow";
        let mut transaction = self.passer.db.begin().await.map_err(store(action))?;
        store::standing::share_lock(&mut transaction)
            .await
            .map_err(store("wait for changes of states"))?;
        let (name, epoch) = (model.name(), self.epoch);
        store::shadow_score::renew(&mut *transaction, name, epoch, now, scores)
            .await
            .map_err(store(action))?;
        transaction.commit().await.map_err(store(action))
    }
}
