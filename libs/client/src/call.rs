//! One call: its deadline, its retries, and its second question.

use std::{
    error::Error as _,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable as _};
use futures::future::{Either, select};
use tokio::time::{Instant, timeout, timeout_at};
use tonic::{
    Code, Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};
use tonic_types::StatusExt as _;

use crate::{Error, budget::Budget, hedge::Delays};

/// The most that one call is made again.
pub const RETRIES_MAX: usize = 5;

/// The first pause, which doubles each time, and the longest one; up to as much again is added by chance.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The header of the key: HTTP/2 sends it in full once for each connection.
const API_KEY: &str = "x-api-key";

/// Whether a call may be made more often than it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// A read, named for its times: it is made again, and may be asked twice at once.
    Read(&'static str),
    /// What changes nothing when it is repeated, as of calls with a `request_id`: it is made again.
    Safe,
    /// What would be done twice: never made again.
    Never,
}

/// What all calls of a client share.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(crate) channel: Channel,
    /// For what is asked a second time.
    pub(crate) second: Channel,
    pub(crate) key: Option<MetadataValue<Ascii>>,
    pub(crate) retries: usize,
    pub(crate) budget: Budget,
    pub(crate) delays: Option<Delays>,
}

// === impl Calls ===

impl Calls {
    /// Makes a call within `time_max`: `send` sends the request over a channel.
    pub(crate) async fn call<Q, A, F>(
        &self,
        repeat: Repeat,
        time_max: Duration,
        request: Q,
        send: impl Fn(Channel, Request<Q>) -> F,
    ) -> Result<A, Error>
    where
        Q: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let end = Instant::now() + time_max;
        let send = |channel: &Channel| send(channel.clone(), self.request(request.clone(), end));
        let answered = async {
            let again = match repeat {
                Repeat::Read(_) | Repeat::Safe => self.retries,
                Repeat::Never => 0,
            };
            let pauses = ExponentialBuilder::default()
                .with_min_delay(PAUSE_MIN)
                .with_max_delay(PAUSE_MAX)
                .with_max_times(again)
                .with_jitter();
            let hedged = AtomicBool::new(false);
            let once = || async {
                let answered = self.once(repeat, &hedged, &send).await;
                if !answered.as_ref().is_err_and(is_unavailable) {
                    self.budget.add();
                }
                answered
            };
            once.retry(pauses)
                .when(is_unavailable)
                .adjust(|status, pause| {
                    // What the gateway says, and ours after that: not all who were told come back at once.
                    let told = status.get_details_retry_info().and_then(|info| info.retry_delay);
                    let pause = pause? + told.unwrap_or_default();
                    let in_time = Instant::now() + pause < end;
                    (in_time && self.budget.take()).then_some(pause)
                })
                .await
        };
        match timeout_at(end, answered).await {
            Ok(answered) => answered.map(Response::into_inner).map_err(Error::from),
            Err(_) => Err(Error::deadline()),
        }
    }

    /// Asks once, or a second time when it takes long; never more often, with all that is tried again.
    async fn once<A, F>(
        &self,
        repeat: Repeat,
        hedged: &AtomicBool,
        send: impl Fn(&Channel) -> F,
    ) -> Result<Response<A>, Status>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let first = async { send(&self.channel).await.map_err(told_apart) };
        let (Some(delays), Repeat::Read(rpc)) = (&self.delays, repeat) else { return first.await };
        let started = Instant::now();
        let answered = async {
            let mut first = pin!(first);
            if let Ok(answered) = timeout(delays.delay(rpc), first.as_mut()).await {
                return answered;
            }
            if hedged.load(Ordering::Relaxed) || !self.budget.take() {
                return first.await;
            }
            hedged.store(true, Ordering::Relaxed);
            let second = pin!(async { send(&self.second).await.map_err(told_apart) });
            // Whichever is answered counts; one that is not available leaves it to the other.
            match select(first, second).await {
                Either::Left((Err(status), second)) if is_unavailable(&status) => second.await,
                Either::Right((Err(status), first)) if is_unavailable(&status) => first.await,
                Either::Left((answered, _)) | Either::Right((answered, _)) => answered,
            }
        };
        let answered = answered.await;
        if answered.is_ok() {
            delays.note(rpc, started.elapsed());
        }
        answered
    }

    fn request<Q>(&self, message: Q, end: Instant) -> Request<Q> {
        let mut request = Request::new(message);
        request.set_timeout(end.saturating_duration_since(Instant::now()));
        if let Some(key) = &self.key {
            request.metadata_mut().insert(API_KEY, key.clone());
        }
        request
    }
}

fn is_unavailable(status: &Status) -> bool {
    status.code() == Code::Unavailable
}

/// A connection that broke off says anything but that a moment later there may be another; a deadline that passed on the
/// way, that somebody cancelled.
fn told_apart(status: Status) -> Status {
    let Some(source) = status.source() else { return status };
    let expired = std::iter::successors(Some(source), |&error| error.source())
        .any(|source| source.is::<tonic::TimeoutExpired>());
    let (code, message) = if expired {
        (Code::DeadlineExceeded, "the deadline passed")
    } else {
        (Code::Unavailable, "the gateway was not reached, or the connection broke off")
    };
    let mut told = Status::new(code, message);
    told.set_source(std::sync::Arc::new(status));
    told
}
