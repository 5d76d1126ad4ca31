use klout_chassis::Caller;
use klout_proto::profile::v1::{ResolveAndGetScoreRequest, ResolveAndGetScoreResponse};
use tonic::Status;

use super::LookupRpc;

pub(super) async fn resolve_and_get_score(
    rpc: &LookupRpc,
    caller: &Caller,
    request: ResolveAndGetScoreRequest,
) -> Result<ResolveAndGetScoreResponse, Status> {
    rpc.lookup.resolve_and_get_score(caller, request).await
}
