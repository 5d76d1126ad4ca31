//! `DecideCheckIn`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{DecideCheckInRequest, DecideCheckInResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn decide_check_in(
    _: &PerkRpc,
    _: &Caller,
    _: DecideCheckInRequest,
) -> Result<DecideCheckInResponse, Status> {
    Err(Status::unimplemented("to come"))
}
