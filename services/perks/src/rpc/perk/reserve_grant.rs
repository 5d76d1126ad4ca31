//! `ReserveGrant`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ReserveGrantRequest, ReserveGrantResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn reserve_grant(
    _: &PerkRpc,
    _: &Caller,
    _: ReserveGrantRequest,
) -> Result<ReserveGrantResponse, Status> {
    Err(Status::unimplemented("to come"))
}
