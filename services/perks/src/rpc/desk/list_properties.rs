//! `ListProperties`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ListPropertiesRequest, ListPropertiesResponse};
use tonic::Status;

use super::DeskRpc;

pub(super) async fn list_properties(
    _: &DeskRpc,
    _: &Caller,
    _: ListPropertiesRequest,
) -> Result<ListPropertiesResponse, Status> {
    Err(Status::unimplemented("to come"))
}
