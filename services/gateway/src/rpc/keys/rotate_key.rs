//! `RotateKey`.

use std::time::Duration;

use klout_proto::profile::v1::{RotateKeyRequest, RotateKeyResponse};

use super::show;
use crate::{
    error::Error,
    keys::{Keys, Made, OVERLAP_MAX},
};

/// How long the old secret stays valid when nobody says.
const OVERLAP: Duration = Duration::from_hours(24);

pub(crate) async fn rotate_key(
    keys: &Keys,
    request: RotateKeyRequest,
) -> Result<RotateKeyResponse, Error> {
    let RotateKeyRequest { key, overlap } = request;
    let id = show::id(&key)?;
    let overlap = match overlap {
        None => OVERLAP,
        Some(overlap) => Duration::try_from(overlap)
            .ok()
            .filter(|overlap| *overlap <= OVERLAP_MAX)
            .ok_or(Error::KeyField { field: "overlap", problem: "is not between 0 and 90 days" })?,
    };
    let Made { told, shown_once } = keys.rotate(id, overlap).await?;
    Ok(RotateKeyResponse { key: Some(show::key(told)), secret: shown_once })
}
