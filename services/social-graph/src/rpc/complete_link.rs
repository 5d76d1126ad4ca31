use klout_chassis::Caller;
use klout_proto::graph::v1::{CompleteLinkRequest, CompleteLinkResponse};

use super::GraphRpc;
use crate::{error::Error, shown::as_told};

pub(super) async fn complete_link(
    rpc: &GraphRpc,
    caller: &Caller,
    request: CompleteLinkRequest,
) -> Result<CompleteLinkResponse, Error> {
    let (person, changed) = rpc.linker.complete(caller, &request.link).await?;
    if changed {
        rpc.owners_changed.ring();
    }
    Ok(CompleteLinkResponse { person: Some(as_told(caller, person)) })
}
