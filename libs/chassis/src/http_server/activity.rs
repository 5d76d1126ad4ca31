//! What happens on a connection, and when it is enough. No I/O.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http::Version;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::config::HttpConfig;

/// No time.
const NONE: u64 = u64::MAX;

/// What connections of HTTP/2 begin with.
const HTTP2: &[u8] = b"PRI";

/// What happens on one connection. Times are milliseconds from when it was opened.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    /// Requests whose answers are not sent.
    under_way: AtomicUsize,
    /// Since when there are none.
    idle_since: AtomicU64,
    /// When the first byte of a head came that is not whole. Of HTTP/1 alone: that of HTTP/2 counts as nothing asked.
    head_since: AtomicU64,
    /// Since when the peer takes nothing of what is written.
    stalled_since: AtomicU64,
    http2: AtomicBool,
}

/// A request that is under way until this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Activity>);

/// The body of an answer that is under way.
#[derive(Debug)]
pub(super) struct Sending {
    body: Body,
    _under_way: UnderWay,
}

/// Why a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Head,
    Idle,
    Reader,
    Age,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    GoOn,
    /// It ends when what is under way is answered.
    SayGoodbye(Why),
    /// It ends at once.
    End(Why),
}

// === impl Activity ===

impl Activity {
    pub(super) fn begun() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            under_way: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            head_since: AtomicU64::new(NONE),
            stalled_since: AtomicU64::new(NONE),
            http2: AtomicBool::new(false),
        })
    }

    /// Bytes came.
    pub(super) fn received(&self, bytes: &[u8]) {
        if self.http2.load(Ordering::Relaxed) || self.under_way.load(Ordering::Relaxed) > 0 {
            return;
        }
        let first = self.head_since.compare_exchange(
            NONE,
            self.now(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if first.is_ok() && bytes.starts_with(HTTP2) {
            self.http2.store(true, Ordering::Relaxed);
            self.head_since.store(NONE, Ordering::Relaxed);
        }
    }

    /// A head is whole.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(NONE, Ordering::Relaxed);
        if version == Version::HTTP_2 {
            self.http2.store(true, Ordering::Relaxed);
        }
        UnderWay(Arc::clone(self))
    }

    /// The peer takes nothing, or something again.
    pub(super) fn wrote(&self, taken: bool) {
        if taken {
            self.stalled_since.store(NONE, Ordering::Relaxed);
        } else {
            let _ = self.stalled_since.compare_exchange(
                NONE,
                self.now(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    }

    pub(super) fn verdict(&self, limits: &HttpConfig) -> Verdict {
        let idle = self.under_way.load(Ordering::Relaxed) == 0;
        if self.longer_than(limits.head_time_max, &self.head_since) {
            return Verdict::End(Why::Head);
        }
        if idle && self.longer_than(limits.idle_time_max, &self.idle_since) {
            return Verdict::SayGoodbye(Why::Idle);
        }
        if self.opened.elapsed() >= limits.connection_age_max {
            return Verdict::SayGoodbye(Why::Age);
        }
        self.stalled(limits)
    }

    /// The verdict on a connection to whose peer goodbye was said.
    pub(super) fn stalled(&self, limits: &HttpConfig) -> Verdict {
        if self.longer_than(limits.write_wait_max, &self.stalled_since) {
            Verdict::End(Why::Reader)
        } else {
            Verdict::GoOn
        }
    }

    fn longer_than(&self, time: Duration, since: &AtomicU64) -> bool {
        let since = since.load(Ordering::Relaxed);
        since != NONE && Duration::from_millis(self.now().saturating_sub(since)) >= time
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(NONE - 1)
    }
}

// === impl UnderWay ===

impl UnderWay {
    /// The same body, with which it ends.
    pub(super) const fn until_sent(self, body: Body) -> Sending {
        Sending { body, _under_way: self }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.now(), Ordering::Relaxed);
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl Sending ===

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits() -> HttpConfig {
        HttpConfig {
            connections_max: 1,
            head_time_max: 10 * SECOND,
            head_size_max: 8_192,
            headers_max: 10,
            idle_time_max: 75 * SECOND,
            body_wait_max: SECOND,
            body_time_max: SECOND,
            write_wait_max: 30 * SECOND,
            connection_age_max: 3_600 * SECOND,
            streams_max: 1,
        }
    }

    async fn after(seconds: u32, activity: &Activity) -> Verdict {
        tokio::time::advance(seconds * SECOND).await;
        activity.verdict(&limits())
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_time_from_its_first_byte_on() {
        let activity = Activity::begun();
        assert_eq!(after(60, &activity).await, Verdict::GoOn, "nothing was begun");
        activity.received(b"GET");
        assert_eq!(after(9, &activity).await, Verdict::GoOn);
        activity.received(b" /");
        assert_eq!(after(1, &activity).await, Verdict::End(Why::Head));

        let activity = Activity::begun();
        activity.received(b"GET / HTTP/1.1\r\n\r\n");
        let under_way = activity.begin(Version::HTTP_11);
        activity.received(b"a body");
        assert_eq!(after(60, &activity).await, Verdict::GoOn);
        drop(under_way);
        activity.received(b"G");
        assert_eq!(after(10, &activity).await, Verdict::End(Why::Head), "the second one too");
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_nothing_for_long_is_said_goodbye_to() {
        let activity = Activity::begun();
        assert_eq!(after(75, &activity).await, Verdict::SayGoodbye(Why::Idle));

        let activity = Activity::begun();
        activity.received(b"PRI * HTTP/2.0");
        let one = activity.begin(Version::HTTP_2);
        let other = activity.begin(Version::HTTP_2);
        drop(one);
        assert_eq!(after(600, &activity).await, Verdict::GoOn, "the other is under way");
        drop(other);
        activity.received(b"a ping");
        assert_eq!(after(74, &activity).await, Verdict::GoOn);
        activity.received(b"a ping");
        assert_eq!(after(1, &activity).await, Verdict::SayGoodbye(Why::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_not_written_to_for_ever() {
        let activity = Activity::begun();
        let _under_way = activity.begin(Version::HTTP_11);
        activity.wrote(false);
        assert_eq!(after(29, &activity).await, Verdict::GoOn);
        activity.wrote(true);
        assert_eq!(after(29, &activity).await, Verdict::GoOn);
        activity.wrote(false);
        activity.wrote(false);
        assert_eq!(after(30, &activity).await, Verdict::End(Why::Reader));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_when_it_has_become_old() {
        let activity = Activity::begun();
        let _under_way = activity.begin(Version::HTTP_2);
        assert_eq!(after(3_599, &activity).await, Verdict::GoOn);
        assert_eq!(after(1, &activity).await, Verdict::SayGoodbye(Why::Age));
    }
}
