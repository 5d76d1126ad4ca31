//! `GetPassKeys`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{GetPassKeysRequest, GetPassKeysResponse};
use tonic::Status;

use super::DeskRpc;

pub(super) async fn get_pass_keys(
    _: &DeskRpc,
    _: &Caller,
    _: GetPassKeysRequest,
) -> Result<GetPassKeysResponse, Status> {
    Err(Status::unimplemented("to come"))
}
