use klout_proto::graph::v1::{GivePlusKRequest, GivePlusKResponse};

use super::{PlusKRpc, parse_person, parse_topic, show};
use crate::{error::Error, plus_k::give::Wish};

/// The longest name of a request.
const REQUEST_ID_BYTES_MAX: usize = 128;

pub(super) async fn give_plus_k(
    rpc: &PlusKRpc,
    request: GivePlusKRequest,
) -> Result<GivePlusKResponse, Error> {
    let metrics = &rpc.vouching.metrics;
    let given = give(rpc, request).await;
    match &given {
        Ok(_) => &metrics.given,
        Err(Error::Store { .. } | Error::Peer(_)) => &metrics.failed,
        Err(_) => &metrics.refused,
    }
    .increment(1);
    given
}

async fn give(rpc: &PlusKRpc, request: GivePlusKRequest) -> Result<GivePlusKResponse, Error> {
    let request_id = Some(request.request_id).filter(|id| !id.is_empty());
    if request_id.as_ref().is_some_and(|id| id.len() > REQUEST_ID_BYTES_MAX || id.contains('\0')) {
        return Err(Error::field("request_id", "is longer than 128 bytes, or holds a NUL"));
    }
    let wish = Wish {
        giver: parse_person("giver", &request.giver)?,
        receiver: parse_person("receiver", &request.receiver)?,
        topic: parse_topic(request.topic)?,
        request_id,
    };
    let (given, budget) = rpc.vouching.give(&wish).await?;
    Ok(GivePlusKResponse {
        plus_k: Some(show::plus_k(given, true)),
        budget: Some(show::budget(&budget)),
    })
}
