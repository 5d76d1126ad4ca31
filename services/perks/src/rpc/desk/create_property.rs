//! `CreateProperty`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{CreatePropertyRequest, CreatePropertyResponse};
use tonic::Status;

use super::DeskRpc;

pub(super) async fn create_property(
    _: &DeskRpc,
    _: &Caller,
    _: CreatePropertyRequest,
) -> Result<CreatePropertyResponse, Status> {
    Err(Status::unimplemented("to come"))
}
