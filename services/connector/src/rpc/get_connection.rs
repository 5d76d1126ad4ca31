use klout_proto::signal::v1::{GetConnectionRequest, GetConnectionResponse};

use super::SignalRpc;
use crate::{connections, error::Error};

pub(super) async fn get_connection(
    rpc: &SignalRpc,
    request: GetConnectionRequest,
) -> Result<GetConnectionResponse, Error> {
    let found = connections::get(&rpc.db, &request.connection).await?;
    Ok(GetConnectionResponse { connection: Some(found.into()) })
}
