use klout_proto::graph::v1::{UnblockPersonRequest, UnblockPersonResponse};

use super::{PlusKRpc, parse_person};
use crate::error::Error;

pub(super) async fn unblock_person(
    rpc: &PlusKRpc,
    request: UnblockPersonRequest,
) -> Result<UnblockPersonResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let blocked = parse_person("blocked", &request.blocked)?;
    rpc.vouching.unblock(person, blocked).await?;
    Ok(UnblockPersonResponse {})
}
