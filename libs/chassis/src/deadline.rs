//! Gives every call an end, and passes it on.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status};

use crate::refusal::Refusal;

const GRPC_TIMEOUT: &str = "grpc-timeout";

tokio::task_local! {
    /// When the caller of the call that this task answers stops waiting.
    static DEADLINE: Instant;
}

/// The longest that calls may take.
#[derive(Clone, Debug)]
pub struct CallLimits {
    pub request_time_max: Duration,
    pub stream_time_max: Duration,
    /// Paths of the calls that stream their request; these may take `stream_time_max`.
    pub streaming: Vec<String>,
}

/// What is left until the caller of the current call stops waiting; `None` outside of a call.
#[must_use]
pub fn time_left() -> Option<Duration> {
    DEADLINE.try_with(|end| end.saturating_duration_since(Instant::now())).ok()
}

/// When a call ends at the latest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit(Duration);

// === impl CallLimits ===

impl CallLimits {
    /// The sooner of the caller's `grpc-timeout` and our own maximum.
    ///
    /// tonic's own timeout answers CANCELLED and exists only where there is a socket. For a streamed
    /// answer this limits the wait for the stream, not the stream.
    pub(crate) fn of<B>(&self, request: &Request<B>) -> Result<Limit, Status> {
        let max = self.max(request.uri().path());
        let asked = match request.headers().get(GRPC_TIMEOUT) {
            None => max,
            Some(value) => parse(value).ok_or_else(|| {
                let refusal = Refusal::field(GRPC_TIMEOUT, "is not 1 to 8 digits and a unit");
                refusal.into_plain_status("`grpc-timeout` cannot be read")
            })?,
        };
        Ok(Limit(asked.min(max)))
    }

    /// Our own maximum for calls of a path.
    pub(crate) fn max(&self, path: &str) -> Duration {
        let streams = self.streaming.iter().any(|it| it == path);
        if streams { self.stream_time_max } else { self.request_time_max }
    }
}

// === impl Limit ===

impl Limit {
    /// As [`within`].
    pub(crate) async fn end<F: Future>(self, call: F) -> Result<F::Output, Status> {
        within(self.0, call).await
    }
}

/// Gives `call` an end, which the calls that it makes are told: after `time_max`, or with the call
/// around it.
///
/// # Errors
///
/// DEADLINE_EXCEEDED when it did not end by itself.
pub async fn within<F: Future>(time_max: Duration, call: F) -> Result<F::Output, Status> {
    let time = time_left().map_or(time_max, |left| left.min(time_max));
    let end = Instant::now() + time;
    timeout_at(end, DEADLINE.scope(end, call)).await.map_err(|_| {
        let refusal = Refusal::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
        refusal.into_plain_status("the deadline passed")
    })
}

/// Tells the next service how long the caller of the current call still waits.
pub(crate) fn pass_on(headers: &mut HeaderMap) {
    if let Some(left) = time_left() {
        // At most 8 digits: milliseconds are enough for 27 hours.
        let millis = left.as_millis().min(99_999_999);
        if let Ok(value) = HeaderValue::try_from(format!("{millis}m")) {
            headers.insert(GRPC_TIMEOUT, value);
        }
    }
}

/// `grpc-timeout`: 1 to 8 digits and one of H M S m u n.
fn parse(value: &HeaderValue) -> Option<Duration> {
    let value = value.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let valid = (1..=8).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    let amount = digits.parse::<u64>().ok().filter(|_| valid)?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> CallLimits {
        CallLimits {
            request_time_max: Duration::from_secs(10),
            stream_time_max: Duration::from_secs(60),
            streaming: vec!["/stream".to_owned()],
        }
    }

    async fn call(path: &str, timeout: &str) -> (Status, Duration) {
        let mut request = Request::post(path).body(()).expect("a request");
        if !timeout.is_empty() {
            request.headers_mut().insert(GRPC_TIMEOUT, timeout.parse().expect("a value"));
        }
        let started = Instant::now();
        let limit = match limits().of(&request) {
            Ok(limit) => limit,
            Err(status) => return (status, started.elapsed()),
        };
        let status = limit.end(std::future::pending::<()>()).await.expect_err("it ended");
        (status, started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn the_caller_may_ask_for_less_than_the_maximum() {
        let (status, elapsed) = call("/never", "250m").await;
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(elapsed, Duration::from_millis(250));
    }

    #[tokio::test(start_paused = true)]
    async fn the_caller_may_not_ask_for_more_than_the_maximum() {
        assert_eq!(call("/never", "1H").await.1, Duration::from_secs(10));
        assert_eq!(call("/never", "").await.1, Duration::from_secs(10));
        assert_eq!(call("/stream", "1H").await.1, Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_has_passed_is_exceeded_at_once() {
        let (status, elapsed) = call("/never", "0n").await;
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(elapsed, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_cannot_be_read_is_refused() {
        for bad in ["-1S", "1", "S", "123456789S", "1.5S", "1x"] {
            let (status, _) = call("/never", bad).await;
            assert_eq!(status.code(), Code::InvalidArgument, "{bad}");
        }
    }
}
