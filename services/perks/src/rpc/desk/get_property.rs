//! `GetProperty`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{GetPropertyRequest, GetPropertyResponse};
use tonic::Status;

use super::DeskRpc;

pub(super) async fn get_property(
    _: &DeskRpc,
    _: &Caller,
    _: GetPropertyRequest,
) -> Result<GetPropertyResponse, Status> {
    Err(Status::unimplemented("to come"))
}
