use std::collections::VecDeque;

use klout_chassis::Caller;
use klout_proto::{
    revision::Revision,
    signal::v1::{IngestSignalsRequest, IngestSignalsResponse},
};
use tokio::time::{Instant, timeout_at};
use tonic::Streaming;
use uuid::Uuid;

use super::SignalRpc;
use crate::error::Error;

/// Signals of one stream. A client that has more goes on with a new stream, and knows by then what
/// is durable.
const STREAM_SIGNALS_MAX: u64 = 1_000_000;

/// Rejections that are listed; the rest are counted.
const REJECTED_LISTED_MAX: usize = 1_000;

/// Batches that the revision token of a stream waits for: the newest.
const TOKEN_BATCHES_MAX: usize = 16;

pub(super) async fn ingest_signals(
    rpc: &SignalRpc,
    caller: &Caller,
    mut stream: Streaming<IngestSignalsRequest>,
) -> Result<IngestSignalsResponse, Error> {
    let started = Instant::now();
    let end = started + rpc.stream_time_max;
    let mut response = IngestSignalsResponse::default();
    let mut newest: VecDeque<Uuid> = VecDeque::new();
    let mut received = 0_u64;

    let too_long = |signals| Error::StreamTooLong { signals, time: started.elapsed() };
    while let Some(message) = timeout_at(end, stream.message())
        .await
        .map_err(|_| too_long(received))?
        .map_err(Error::Stream)?
    {
        let first_index = received;
        received += u64::try_from(message.signals.len()).unwrap_or(u64::MAX);
        if received > STREAM_SIGNALS_MAX {
            return Err(too_long(first_index));
        }
        let ingested = rpc.ingest(caller, message.signals).await?;
        response.accepted += u64::from(ingested.accepted);
        response.repeated += u64::from(ingested.repeated);
        response.rejected_count += u64::try_from(ingested.rejected.len()).unwrap_or(u64::MAX);
        for mut rejection in ingested.rejected {
            if response.rejected.len() == REJECTED_LISTED_MAX {
                break;
            }
            rejection.index += first_index;
            response.rejected.push(rejection);
        }
        newest.extend(ingested.batches);
        newest.drain(..newest.len().saturating_sub(TOKEN_BATCHES_MAX));
    }
    response.revision_token = Revision::Batches(newest.into()).to_token(rpc.deployment);
    Ok(response)
}
