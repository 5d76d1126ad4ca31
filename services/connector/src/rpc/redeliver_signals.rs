use klout_proto::signal::v1::{RedeliverSignalsRequest, RedeliverSignalsResponse};

use super::SignalRpc;
use crate::{deliver::Consumer, error::Error, redeliver};

pub(super) async fn redeliver_signals(
    rpc: &SignalRpc,
    request: RedeliverSignalsRequest,
) -> Result<RedeliverSignalsResponse, Error> {
    // Names and texts are not in the log, so those who live on them cannot be served from it.
    if request.consumer != Consumer::Scoring.name() {
        let problem = "is not \"scoring\", which alone can forget";
        return Err(Error::FieldInvalid { field: "consumer", problem });
    }
    let batches = redeliver::all(&rpc.db, &rpc.outbox_grew, Consumer::Scoring).await?;
    Ok(RedeliverSignalsResponse { batches })
}
