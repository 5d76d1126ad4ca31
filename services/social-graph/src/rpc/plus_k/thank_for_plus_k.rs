use klout_proto::graph::v1::{ThankForPlusKRequest, ThankForPlusKResponse};

use super::{PlusKRpc, parse_id, parse_person, show};
use crate::error::Error;

pub(super) async fn thank_for_plus_k(
    rpc: &PlusKRpc,
    request: ThankForPlusKRequest,
) -> Result<ThankForPlusKResponse, Error> {
    let receiver = parse_person("receiver", &request.receiver)?;
    let id = parse_id("plus_k", &request.plus_k)?;
    let thanked = rpc.vouching.thank(receiver, id, &request.thanks, request.public).await?;
    Ok(ThankForPlusKResponse { plus_k: Some(show::plus_k(thanked, true)) })
}
