use klout_chassis::Caller;
use klout_proto::signal::v1::{StartConnectionRequest, StartConnectionResponse};

use super::SignalRpc;
use crate::error::Error;

pub(super) async fn start_connection(
    rpc: &SignalRpc,
    caller: &Caller,
    request: StartConnectionRequest,
) -> Result<StartConnectionResponse, Error> {
    rpc.connecter.start(caller, request).await
}
