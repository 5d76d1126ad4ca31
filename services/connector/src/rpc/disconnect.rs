use klout_proto::signal::v1::{DisconnectRequest, DisconnectResponse};

use super::SignalRpc;
use crate::{connections, error::Error};

pub(super) async fn disconnect(
    rpc: &SignalRpc,
    request: DisconnectRequest,
) -> Result<DisconnectResponse, Error> {
    let found = connections::get(&rpc.db, &request.connection).await?;
    let network = rpc.visitor.networks.get(&found.network);
    let forget = request.forget || network.is_some_and(|it| it.description().terms.forgets);
    let taken_back = rpc.visitor.disconnect(found.account_id, forget).await?;
    Ok(DisconnectResponse { taken_back })
}
