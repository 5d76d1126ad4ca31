//! `VerifyPass`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{VerifyPassRequest, VerifyPassResponse};
use tonic::Status;

use super::DeskRpc;

pub(super) async fn verify_pass(
    _: &DeskRpc,
    _: &Caller,
    _: VerifyPassRequest,
) -> Result<VerifyPassResponse, Status> {
    Err(Status::unimplemented("to come"))
}
