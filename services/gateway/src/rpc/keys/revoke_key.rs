//! `RevokeKey`.

use klout_proto::profile::v1::{RevokeKeyRequest, RevokeKeyResponse};

use super::show;
use crate::{error::Error, keys::Keys};

pub(crate) async fn revoke_key(
    keys: &Keys,
    request: RevokeKeyRequest,
) -> Result<RevokeKeyResponse, Error> {
    let told = keys.revoke(show::id(&request.key)?).await?;
    Ok(RevokeKeyResponse { key: Some(show::key(told)) })
}
