use klout_proto::score::v1::{ApplySignalsRequest, ApplySignalsResponse};

use super::ConsumerRpc;
use crate::{apply, batch::evidence, error::Error};

pub(super) async fn apply_signals(
    rpc: &ConsumerRpc,
    request: ApplySignalsRequest,
) -> Result<ApplySignalsResponse, Error> {
    let batch = request.batch.ok_or(Error::BatchMalformed { problem: "there is none" })?;
    let evidence = evidence(batch)?;
    let new = apply::signals(&rpc.db, &evidence).await?;
    if new {
        rpc.evidence_grew.notify_one();
    }
    Ok(ApplySignalsResponse { repeated: !new })
}
