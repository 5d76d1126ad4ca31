use klout_proto::topic::v1::{ApplySignalsRequest, ApplySignalsResponse};

use super::ConsumerRpc;
use crate::{apply, error::Error};

pub(super) async fn apply_signals(
    rpc: &ConsumerRpc,
    request: ApplySignalsRequest,
) -> Result<ApplySignalsResponse, Error> {
    let batch = request.batch.ok_or(Error::BatchMalformed { problem: "there is none" })?;
    let new = apply::signals(&rpc.db, batch).await?;
    rpc.evidence_grew();
    Ok(ApplySignalsResponse { repeated: !new })
}
