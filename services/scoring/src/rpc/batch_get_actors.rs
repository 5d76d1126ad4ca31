use klout_proto::score::v1::{ActorStanding, BatchGetActorsRequest, BatchGetActorsResponse};
use klout_score_engine::Identity;
use tracing::instrument;

use super::ScoreRpc;
use crate::{error::Error, store};

/// Accounts in one request: what one statement answers in some ten milliseconds.
pub(crate) const ACTORS_MAX: usize = 10_000;

/// The epoch is read before the owners: somebody who joins in between is a member of whom it knows nothing, as
/// for whoever scores.
#[instrument(skip_all, fields(accounts.len = request.account_ids.len()))]
pub(super) async fn batch_get_actors(
    rpc: &ScoreRpc,
    request: BatchGetActorsRequest,
) -> Result<BatchGetActorsResponse, Error> {
    let store = Error::store;
    let count = request.account_ids.len();
    if count > ACTORS_MAX {
        return Err(Error::RequestsTooMany { count });
    }
    let reader = &rpc.reader;
    let mut connection = reader.db.acquire().await.map_err(store("begin to read actors"))?;
    let epoch = reader.epochs.current(&mut connection).await?;
    let members = store::account::members(&mut *connection, &request.account_ids)
        .await
        .map_err(store("read who actors are"))?;
    let scores_pending = store::pass::writes(&mut *connection, epoch.number.cast_signed())
        .await
        .map_err(store("look whether scores are being written"))?;
    drop(connection);
    let actors = request.account_ids.into_iter().map(|account| {
        let member = members.get(&account);
        let who = member.map_or(Identity::Account(account), |it| Identity::Person(it.person));
        let factors = epoch.published.factors(who);
        ActorStanding {
            attention: factors.attention.bits(),
            people: factors.people.bits(),
            prestige: factors.prestige.bits(),
            strangers: factors.strangers.bits(),
            person_id: member.map_or(0, |it| it.person),
            influence: member.and_then(|it| it.influence).unwrap_or_default(),
        }
    });
    Ok(BatchGetActorsResponse {
        epoch: epoch.number,
        model: epoch.model.name().to_owned(),
        actors: actors.collect(),
        scores_pending,
    })
}
