//! `ListDecisions`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ListDecisionsRequest, ListDecisionsResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn list_decisions(
    _: &PerkRpc,
    _: &Caller,
    _: ListDecisionsRequest,
) -> Result<ListDecisionsResponse, Status> {
    Err(Status::unimplemented("to come"))
}
