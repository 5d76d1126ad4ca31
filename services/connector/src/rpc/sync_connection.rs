use klout_proto::signal::v1::{SyncConnectionRequest, SyncConnectionResponse};

use super::SignalRpc;
use crate::{
    connections,
    error::Error,
    store,
    visit::{BACKFILL, INCREMENTAL},
};

pub(super) async fn sync_connection(
    rpc: &SignalRpc,
    request: SyncConnectionRequest,
) -> Result<SyncConnectionResponse, Error> {
    let whole = match request.mode.as_str() {
        BACKFILL => true,
        INCREMENTAL | "" => false,
        _ => {
            let problem = "is neither INCREMENTAL nor BACKFILL";
            return Err(Error::FieldInvalid { field: "mode", problem });
        }
    };
    let found = connections::get(&rpc.db, &request.connection).await?;
    if found.state == "NEEDS_ACCESS" {
        return Err(Error::ConnectionClosed {
            connection: request.connection,
            why: "its network does not let us in any more; connect the account again",
        });
    }
    store::connection::hasten(&rpc.db, found.account_id, whole, rpc.visitor.running.now())
        .await
        .map_err(Error::store("have a connection looked at"))?;
    rpc.visitor.due.notify_waiters();
    let found = connections::get(&rpc.db, &request.connection).await?;
    Ok(SyncConnectionResponse { connection: Some(found.into()) })
}
