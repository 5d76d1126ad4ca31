//! `ReplayDecision`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ReplayDecisionRequest, ReplayDecisionResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn replay_decision(
    _: &PerkRpc,
    _: &Caller,
    _: ReplayDecisionRequest,
) -> Result<ReplayDecisionResponse, Status> {
    Err(Status::unimplemented("to come"))
}
