use futures::{Stream, stream};
use klout_chassis::{Caller, Lookups, Seen};
use klout_model::PersonId;
use klout_proto::score::v1::{CompareModelsRequest, CompareModelsResponse, ScorePair};
use sqlx::PgPool;
use tracing::instrument;

use super::OperatorRpc;
use crate::{
    error::Error,
    models,
    store::{self, model::StoredModel, shadow_score::Pair},
};

/// Pairs in one answer, some 40 bytes each.
const PAIRS_MAX: i64 = 4_096;

/// Where a comparison is.
struct Comparison {
    db: PgPool,
    lookups: Lookups,
    caller: Caller,
    serving: String,
    shadow: String,
    epoch: i64,
    /// The last person who was sent.
    after: i64,
}

/// Sends pairs as long as there are some, page by page. A page is read when the caller has room for it, in a
/// statement of its own: nothing is held meanwhile, however slow the caller is, and the last of its pages may
/// be of a later pass than the first.
#[instrument(skip_all, fields(model = request.model))]
pub(super) async fn compare_models(
    rpc: &OperatorRpc,
    caller: &Caller,
    request: CompareModelsRequest,
) -> Result<impl Stream<Item = Result<CompareModelsResponse, Error>> + use<>, Error> {
    let all = rpc.models.all(rpc.clock.now()).await?;
    let name = request.model;
    let Some(StoredModel { state, shadow_epoch, .. }) = all.iter().find(|it| it.name == name)
    else {
        return Err(Error::ModelUnknown { name });
    };
    let epoch = match shadow_epoch {
        Some(epoch) if state.is_shadow() => *epoch,
        None if state.is_shadow() => {
            return Err(Error::ModelState { name, problem: "no pass has scored by it yet" });
        }
        Some(_) | None => return Err(Error::ModelState { name, problem: "it is not in shadow" }),
    };
    let serving = models::serving(&all).ok_or(Error::ModelMissing)?.name.clone();
    let comparison = Comparison {
        db: rpc.db.clone(),
        lookups: rpc.lookups.clone(),
        caller: caller.clone(),
        serving,
        shadow: name,
        epoch,
        after: 0,
    };
    Ok(stream::try_unfold(comparison, |mut comparison| async {
        let Comparison { db, lookups, caller, shadow, epoch, after, .. } = &comparison;
        let pairs = store::shadow_score::pairs(db, shadow, *epoch, *after, PAIRS_MAX)
            .await
            .map_err(Error::store("read scores by two models"))?;
        let Some(last) = pairs.last() else { return Ok(None) };
        for person in pairs.iter().filter_map(|pair| PersonId::new(pair.person)) {
            lookups.note(caller, Seen::Ranking, person);
        }
        comparison.after = last.person;
        let serving_model = comparison.serving.clone();
        let pairs = pairs.into_iter().map(to_wire).collect();
        Ok(Some((CompareModelsResponse { serving_model, pairs }, comparison)))
    }))
}

fn to_wire(pair: Pair) -> ScorePair {
    ScorePair {
        person: pair.person.to_string(),
        serving_score: pair.serving,
        shadow_score: pair.shadow,
    }
}
