//! `ListArrivals`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ListArrivalsRequest, ListArrivalsResponse};
use tonic::Status;

use super::DeskRpc;

pub(super) async fn list_arrivals(
    _: &DeskRpc,
    _: &Caller,
    _: ListArrivalsRequest,
) -> Result<ListArrivalsResponse, Status> {
    Err(Status::unimplemented("to come"))
}
