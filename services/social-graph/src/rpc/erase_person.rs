use klout_proto::graph::v1::{ErasePersonRequest, ErasePersonResponse};

use super::{GraphRpc, parse_note, parse_person};
use crate::{error::Error, state::By};

pub(super) async fn erase_person(
    rpc: &GraphRpc,
    caller: &str,
    request: ErasePersonRequest,
) -> Result<ErasePersonResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let by = By { caller, note: parse_note(&request.note)?, now: rpc.clock.now() };
    let receipt = rpc.ledger().erase(person, &by).await?;
    Ok(ErasePersonResponse { receipt: Some(receipt) })
}
