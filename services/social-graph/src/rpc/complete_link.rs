use klout_proto::graph::v1::{CompleteLinkRequest, CompleteLinkResponse};

use super::GraphRpc;
use crate::error::Error;

pub(super) async fn complete_link(
    rpc: &GraphRpc,
    request: CompleteLinkRequest,
) -> Result<CompleteLinkResponse, Error> {
    let (person, changed) = rpc.linker.complete(&request.link).await?;
    if changed {
        rpc.owners_changed.ring();
    }
    Ok(CompleteLinkResponse { person: Some(person) })
}
