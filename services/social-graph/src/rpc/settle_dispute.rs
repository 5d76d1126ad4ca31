use klout_proto::graph::v1::{SettleDisputeRequest, SettleDisputeResponse};

use super::{GraphRpc, parse_person};
use crate::{dispute, error::Error};

pub(super) async fn settle_dispute(
    rpc: &GraphRpc,
    request: SettleDisputeRequest,
) -> Result<SettleDisputeResponse, Error> {
    let problem = "is not one of ours: a number above 0";
    let number = request.dispute.parse().ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| Error::field("dispute", problem))?;
    let person = parse_person("person", &request.person)?;
    let (dispute, given) = dispute::settle(&rpc.db, number, person, rpc.clock.now()).await?;
    if given {
        rpc.owners_changed.ring();
    }
    Ok(SettleDisputeResponse { dispute: Some(dispute) })
}
