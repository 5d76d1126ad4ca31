//! `UploadCodes`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{UploadCodesRequest, UploadCodesResponse};

use super::PerkRpc;
use crate::{error::Error, rpc::parse};

/// Codes of one call.
const CODES_MAX: usize = 10_000;

const CODE_BYTES_MAX: usize = 100;

pub(super) async fn upload_codes(
    rpc: &PerkRpc,
    _: &Caller,
    request: UploadCodesRequest,
) -> Result<UploadCodesResponse, Error> {
    let campaign = parse::campaign(&request.campaign)?;
    if request.codes.len() > CODES_MAX {
        return Err(Error::field("codes", "are more than 10,000"));
    }
    if let Some(wrong) = request.codes.iter().position(|code| !is_code(code)) {
        let problem = "is not 1 to 100 bytes of visible ASCII";
        return Err(Error::field(format!("codes[{wrong}]"), problem));
    }
    let (added, left) = rpc.campaigns.upload(campaign, &request.codes).await?;
    Ok(UploadCodesResponse { added, left })
}

fn is_code(code: &str) -> bool {
    (1..=CODE_BYTES_MAX).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic())
}
