use klout_proto::graph::v1::{BlockPersonRequest, BlockPersonResponse};

use super::{PlusKRpc, parse_person};
use crate::error::Error;

pub(super) async fn block_person(
    rpc: &PlusKRpc,
    request: BlockPersonRequest,
) -> Result<BlockPersonResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let blocked = parse_person("blocked", &request.blocked)?;
    rpc.vouching.block(person, blocked).await?;
    Ok(BlockPersonResponse {})
}
