use klout_proto::graph::v1::{TakeBackPlusKRequest, TakeBackPlusKResponse};

use super::{PlusKRpc, parse_id, parse_person, show};
use crate::error::Error;

pub(super) async fn take_back_plus_k(
    rpc: &PlusKRpc,
    request: TakeBackPlusKRequest,
) -> Result<TakeBackPlusKResponse, Error> {
    let giver = parse_person("giver", &request.giver)?;
    let id = parse_id("plus_k", &request.plus_k)?;
    let budget = rpc.vouching.take_back(giver, id).await?;
    Ok(TakeBackPlusKResponse { budget: Some(show::budget(&budget)) })
}
