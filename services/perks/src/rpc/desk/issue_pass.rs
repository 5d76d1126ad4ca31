//! `IssuePass`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{IssuePassRequest, IssuePassResponse};
use tonic::Status;

use super::DeskRpc;

pub(super) async fn issue_pass(
    _: &DeskRpc,
    _: &Caller,
    _: IssuePassRequest,
) -> Result<IssuePassResponse, Status> {
    Err(Status::unimplemented("to come"))
}
