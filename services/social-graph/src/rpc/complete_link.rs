use klout_chassis::{Caller, Seen};
use klout_proto::graph::v1::{CompleteLinkRequest, CompleteLinkResponse};

use super::{GraphRpc, parse_person};
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
    // A link that was completed answers the profile again, for as long as it holds.
    rpc.lookups.note(caller, Seen::Profile, parse_person("person", &person.person)?);
    Ok(CompleteLinkResponse { person: Some(as_told(caller, person)) })
}
