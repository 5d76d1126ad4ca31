use klout_chassis::Caller;
use klout_proto::{
    revision::Revision,
    signal::v1::{BatchIngestSignalsRequest, BatchIngestSignalsResponse},
};

use super::SignalRpc;
use crate::error::Error;

pub(super) async fn batch_ingest_signals(
    rpc: &SignalRpc,
    caller: &Caller,
    request: BatchIngestSignalsRequest,
) -> Result<BatchIngestSignalsResponse, Error> {
    let ingested = rpc.ingest(caller, request.signals).await?;
    Ok(BatchIngestSignalsResponse {
        revision_token: Revision::Batches(ingested.batches).to_token(rpc.deployment),
        accepted: ingested.accepted,
        repeated: ingested.repeated,
        rejected: ingested.rejected,
    })
}
