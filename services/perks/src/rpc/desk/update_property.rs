//! `UpdateProperty`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{UpdatePropertyRequest, UpdatePropertyResponse};
use tonic::Status;

use super::DeskRpc;

pub(super) async fn update_property(
    _: &DeskRpc,
    _: &Caller,
    _: UpdatePropertyRequest,
) -> Result<UpdatePropertyResponse, Status> {
    Err(Status::unimplemented("to come"))
}
