//! `UploadCodes`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{UploadCodesRequest, UploadCodesResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn upload_codes(
    _: &PerkRpc,
    _: &Caller,
    _: UploadCodesRequest,
) -> Result<UploadCodesResponse, Status> {
    Err(Status::unimplemented("to come"))
}
