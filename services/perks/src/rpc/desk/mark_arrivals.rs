//! `MarkArrivals`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{MarkArrivalsRequest, MarkArrivalsResponse};
use tonic::Status;

use super::DeskRpc;

pub(super) async fn mark_arrivals(
    _: &DeskRpc,
    _: &Caller,
    _: MarkArrivalsRequest,
) -> Result<MarkArrivalsResponse, Status> {
    Err(Status::unimplemented("to come"))
}
