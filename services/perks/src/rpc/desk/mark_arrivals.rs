use klout_chassis::Caller;
use klout_proto::perk::v1::{MarkArrivalsRequest, MarkArrivalsResponse};

use super::DeskRpc;
use crate::{desk::arrivals::Marked, error::Error};

pub(super) async fn mark_arrivals(
    rpc: &DeskRpc,
    caller: &Caller,
    request: MarkArrivalsRequest,
) -> Result<MarkArrivalsResponse, Error> {
    let MarkArrivalsRequest { property, arrival_day, arrivals } = request;
    let Marked { marked, offers, left_out } =
        rpc.desk.mark(caller, &property, &arrival_day, arrivals).await?;
    let count = |it| i32::try_from(it).unwrap_or(i32::MAX);
    Ok(MarkArrivalsResponse {
        marked: count(marked),
        offers: count(offers),
        left_out: count(left_out),
    })
}
