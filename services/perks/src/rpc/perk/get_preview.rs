//! `GetPreview`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{GetPreviewRequest, GetPreviewResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn get_preview(
    _: &PerkRpc,
    _: &Caller,
    _: GetPreviewRequest,
) -> Result<GetPreviewResponse, Status> {
    Err(Status::unimplemented("to come"))
}
