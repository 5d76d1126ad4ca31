//! The body of a request, which has its time.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tower::BoxError;

use crate::config::HttpConfig;

/// A body that ends with an error when it does not come in time.
#[derive(Debug)]
struct Bounded<B> {
    body: B,
    wait_max: Duration,
    until: Instant,
    /// While something is waited for.
    waiting: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body did not come in time")]
struct TooSlow;

/// The same body, of which the next part comes in time, and all of it.
pub(super) fn bounded<B>(body: B, limits: &HttpConfig) -> Body
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    if body.is_end_stream() {
        return Body::empty();
    }
    let (wait_max, until) = (limits.body_wait_max, Instant::now() + limits.body_time_max);
    Body::new(Bounded { body, wait_max, until, waiting: None })
}

// === impl Bounded ===

impl<B> http_body::Body for Bounded<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let end = (Instant::now() + self.wait_max).min(self.until);
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep_until(end)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
