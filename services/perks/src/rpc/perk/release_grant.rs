//! `ReleaseGrant`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ReleaseGrantRequest, ReleaseGrantResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn release_grant(
    _: &PerkRpc,
    _: &Caller,
    _: ReleaseGrantRequest,
) -> Result<ReleaseGrantResponse, Status> {
    Err(Status::unimplemented("to come"))
}
