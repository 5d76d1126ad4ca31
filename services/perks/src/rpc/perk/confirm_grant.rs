//! `ConfirmGrant`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ConfirmGrantRequest, ConfirmGrantResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn confirm_grant(
    _: &PerkRpc,
    _: &Caller,
    _: ConfirmGrantRequest,
) -> Result<ConfirmGrantResponse, Status> {
    Err(Status::unimplemented("to come"))
}
