//! `EvaluatePerks`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{EvaluatePerksRequest, EvaluatePerksResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn evaluate_perks(
    _: &PerkRpc,
    _: &Caller,
    _: EvaluatePerksRequest,
) -> Result<EvaluatePerksResponse, Status> {
    Err(Status::unimplemented("to come"))
}
