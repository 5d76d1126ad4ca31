//! What is done about a request that yielded nothing. Pure.

use std::time::Duration;

use klout_networks::Trouble;
use time::OffsetDateTime;

use crate::{error::Error, seal::SealBroken, visit::ask::Unasked};

/// A request that failed so often is given up: what it is about is asked for again by the next visit.
const ATTEMPTS_MAX: u32 = 10;

/// How long a request waits that failed once; twice as long each time after.
const RETRY_TIME_MIN: Duration = Duration::from_secs(10);

const RETRY_TIME_MAX: Duration = Duration::from_secs(3600);

/// A host that failed so often in a row, whoever asked, is left alone for a while.
const HOST_FAILURES_MAX: i32 = 5;

/// How long: twice as long with each further failure.
const HOST_PAUSE_MIN: Duration = Duration::from_secs(10);

const HOST_PAUSE_MAX: Duration = Duration::from_secs(600);

/// How long who says to wait, and not for how long, is left alone.
const WAIT_UNSAID: Duration = Duration::from_secs(60);

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same again, when the host may be asked again: it was not the request's fault.
    Wait { until: OffsetDateTime },
    /// The same again, later. `host` tells whether it was the host that failed.
    Retry { at: OffsetDateTime, host: bool },
    /// The same again, with new access.
    Renew,
    /// Not again in this visit.
    GiveUp { host: bool },
    /// Nothing more, until the account is connected again.
    NeedsAccess,
    /// Nothing more, and what the account told is taken back.
    Gone,
}

/// Why a request yielded nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error(transparent)]
    Unasked(#[from] Unasked),
    #[error(transparent)]
    Trouble(#[from] Trouble),
    #[error("the list has no end: {0}")]
    Endless(&'static str),
    #[error("the access that the account gave does not open")]
    Sealed(#[from] SealBroken),
    #[error(transparent)]
    Kept(#[from] Error),
}

// === impl Problem ===

impl Problem {
    /// A stable name with a page in `docs/errors`.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Unasked(unasked) => unasked.reason(),
            Self::Trouble(trouble) => trouble.reason(),
            Self::Endless(_) => "NETWORK_ENDLESS",
            Self::Sealed(_) => "NETWORK_ACCESS_SEALED",
            Self::Kept(_) => "STORE_UNAVAILABLE",
        }
    }

    /// What is done about it, at the so many'th attempt, from 1. `luck` is between 0 and 1, so that not all come back at
    /// once.
    pub(super) fn verdict(&self, attempts: u32, luck: f64, now: OffsetDateTime) -> Verdict {
        let again = |host| match attempts < ATTEMPTS_MAX {
            true => Verdict::Retry { at: now + pause(attempts, luck), host },
            false => Verdict::GiveUp { host },
        };
        match self {
            Self::Unasked(unasked) => match unasked {
                Unasked::Slow | Unasked::Failed(_) => again(true),
                Unasked::TooLarge(_) => again(false),
                Unasked::Private | Unasked::Elsewhere | Unasked::Plain => {
                    Verdict::GiveUp { host: false }
                }
            },
            Self::Trouble(trouble) => match trouble {
                Trouble::RateLimited { until } => {
                    Verdict::Wait { until: until.unwrap_or(now + WAIT_UNSAID) }
                }
                Trouble::AccessExpired => match attempts < ATTEMPTS_MAX {
                    true => Verdict::Renew,
                    // The network calls every access expired.
                    false => Verdict::NeedsAccess,
                },
                Trouble::AccessRefused { .. } => Verdict::NeedsAccess,
                Trouble::AccountGone => Verdict::Gone,
                Trouble::Unavailable { .. } => again(true),
                Trouble::Malformed { .. } => again(false),
                Trouble::ItemGone | Trouble::Elsewhere | Trouble::TaskBroken(_) => {
                    Verdict::GiveUp { host: false }
                }
            },
            Self::Endless(_) => Verdict::GiveUp { host: false },
            // Another replica may have keys that this one is started with next.
            Self::Sealed(_) | Self::Kept(_) => again(false),
        }
    }

    /// Whether it is no failure, but what happens now and then.
    pub(super) const fn is_usual(&self) -> bool {
        matches!(self, Self::Trouble(Trouble::ItemGone | Trouble::AccessExpired))
    }
}

fn pause(attempts: u32, luck: f64) -> Duration {
    let doubled = RETRY_TIME_MIN.saturating_mul(1 << attempts.saturating_sub(1).min(12));
    doubled.min(RETRY_TIME_MAX).mul_f64(0.5 + luck.clamp(0.0, 1.0) / 2.0)
}

/// Until when a host is left alone that failed so often in a row.
pub(super) fn host_pause(failures: i32, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let beyond = u32::try_from(failures - HOST_FAILURES_MAX).ok()?;
    let pause = HOST_PAUSE_MIN.saturating_mul(1 << beyond.min(12)).min(HOST_PAUSE_MAX);
    Some(now + pause)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

    fn unavailable() -> Problem {
        Problem::Trouble(Trouble::Unavailable { status: 503 })
    }

    #[test]
    fn a_request_waits_longer_each_time_it_fails_and_is_given_up_at_last() {
        let mut before = Duration::ZERO;
        for attempts in 1..ATTEMPTS_MAX {
            let Verdict::Retry { at, host } = unavailable().verdict(attempts, 1.0, NOW) else {
                panic!("it is asked again")
            };
            let pause = (at - NOW).unsigned_abs();
            assert!(host && pause >= before && pause <= RETRY_TIME_MAX, "{pause:?}");
            before = pause;
        }
        assert_eq!(unavailable().verdict(ATTEMPTS_MAX, 1.0, NOW), Verdict::GiveUp { host: true });
    }

    #[test]
    fn who_asks_us_to_wait_is_not_asked_before_however_often_that_was() {
        let until = datetime!(2026-11-26 12:05 UTC);
        for attempts in [1, ATTEMPTS_MAX, u32::MAX] {
            let told = Problem::Trouble(Trouble::RateLimited { until: Some(until) });
            assert_eq!(told.verdict(attempts, 0.5, NOW), Verdict::Wait { until });
            let untold = Problem::Trouble(Trouble::RateLimited { until: None });
            assert_eq!(
                untold.verdict(attempts, 0.5, NOW),
                Verdict::Wait { until: NOW + WAIT_UNSAID }
            );
        }
    }

    #[test]
    fn access_that_expires_again_and_again_is_refused() {
        let expired = Problem::Trouble(Trouble::AccessExpired);
        assert_eq!(expired.verdict(1, 0.5, NOW), Verdict::Renew);
        assert_eq!(expired.verdict(ATTEMPTS_MAX, 0.5, NOW), Verdict::NeedsAccess);
    }

    #[test]
    fn a_host_that_fails_now_and_then_is_asked_on_and_one_that_keeps_failing_is_left_alone() {
        assert_eq!(host_pause(HOST_FAILURES_MAX - 1, NOW), None);
        assert_eq!(host_pause(HOST_FAILURES_MAX, NOW), Some(NOW + HOST_PAUSE_MIN));
        assert_eq!(host_pause(HOST_FAILURES_MAX + 1, NOW), Some(NOW + 2 * HOST_PAUSE_MIN));
        assert_eq!(host_pause(i32::MAX, NOW), Some(NOW + HOST_PAUSE_MAX));
    }
}
