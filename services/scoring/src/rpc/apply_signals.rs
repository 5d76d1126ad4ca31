use klout_proto::{
    score::v1::{ApplySignalsRequest, ApplySignalsResponse},
    signal::v1::SignalBatch,
};
use tokio::time::Instant;

use super::ConsumerRpc;
use crate::{apply, error::Error};

pub(super) async fn apply_signals(
    rpc: &ConsumerRpc,
    request: ApplySignalsRequest,
) -> Result<ApplySignalsResponse, Error> {
    let batch = request.batch.ok_or(Error::BatchMalformed { problem: "there is none" })?;
    let signals = signals(&batch);
    let started = Instant::now();
    let new = apply::signals(&rpc.db, batch).await?;
    rpc.metrics.apply_duration.record(started.elapsed());
    rpc.metrics.pushed(signals, new);
    if new {
        rpc.evidence_grew.notify_one();
    }
    Ok(ApplySignalsResponse { repeated: !new })
}

/// How many there are, of those that become evidence.
fn signals(batch: &SignalBatch) -> usize {
    let told = batch.interactions.len() + batch.counters.len() + batch.posts.len();
    let retracted = batch.retracted_interactions.len()
        + batch.retracted_counters.len()
        + batch.retracted_posts.len();
    told + retracted
}
