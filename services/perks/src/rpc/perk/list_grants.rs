//! `ListGrants`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ListGrantsRequest, ListGrantsResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn list_grants(
    _: &PerkRpc,
    _: &Caller,
    _: ListGrantsRequest,
) -> Result<ListGrantsResponse, Status> {
    Err(Status::unimplemented("to come"))
}
