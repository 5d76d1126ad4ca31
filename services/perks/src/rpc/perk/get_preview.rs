//! `GetPreview`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{GetPreviewRequest, GetPreviewResponse};

use super::PerkRpc;
use crate::{error::Error, rpc::parse};

pub(super) async fn get_preview(
    rpc: &PerkRpc,
    _: &Caller,
    request: GetPreviewRequest,
) -> Result<GetPreviewResponse, Error> {
    let unknown = || Error::PreviewUnknown { preview: parse::beginning(&request.preview) };
    let preview = parse::number(&request.preview).ok_or_else(unknown)?;
    Ok(GetPreviewResponse { preview: Some(rpc.previewer.get(preview).await?) })
}
