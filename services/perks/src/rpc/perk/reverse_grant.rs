//! `ReverseGrant`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ReverseGrantRequest, ReverseGrantResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn reverse_grant(
    _: &PerkRpc,
    _: &Caller,
    _: ReverseGrantRequest,
) -> Result<ReverseGrantResponse, Status> {
    Err(Status::unimplemented("to come"))
}
