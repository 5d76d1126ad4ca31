use klout_chassis::Caller;
use klout_proto::signal::v1::{CompleteConnectionRequest, CompleteConnectionResponse};

use super::SignalRpc;
use crate::error::Error;

pub(super) async fn complete_connection(
    rpc: &SignalRpc,
    caller: &Caller,
    request: CompleteConnectionRequest,
) -> Result<CompleteConnectionResponse, Error> {
    let connection = rpc.connecter.complete(caller, request).await?;
    Ok(CompleteConnectionResponse { connection: Some(connection.into()) })
}
