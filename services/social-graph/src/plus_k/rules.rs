//! Whether somebody may give a +K. No clock and no database.
//!
//! The day is the giver's: from midnight to midnight in their time zone. Whoever changes the time zone could begin a
//! day anew, so what was given keeps the zone of its giver, and the budget is counted from the earliest beginning of
//! the day among the zone of now and those of what was given lately. A move can make a day longer, never shorter.

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};
use time::{Duration, OffsetDateTime};

/// How long it is until the same member may be given one on the same topic again.
pub(crate) const AGAIN_AFTER: Duration = Duration::days(7);

/// How long one can be taken back.
pub(crate) const TAKE_BACK_TIME: Duration = Duration::days(1);

/// Zones of what was given in this time are looked at: no day of any zone began earlier.
const ZONES_TIME: Duration = Duration::hours(48);

/// How often the daily budget may be given in a day when it is taken back each time: what is given and taken back
/// must be told to everybody, and without an end it would be no budget.
const CHURN: usize = 10;

/// A +K that was given, also when it was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) receiver: i64,
    pub(crate) topic: i64,
    pub(crate) time: OffsetDateTime,
    pub(crate) time_zone: String,
    pub(crate) taken_back: bool,
}

/// What is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) daily: u16,
    pub(crate) left: u16,
    /// When it is whole again, unless more is given meanwhile.
    pub(crate) reset_time: OffsetDateTime,
}

/// Why none can be given now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// To this receiver on this topic, until then.
    Given {
        again_time: OffsetDateTime,
    },
    Spent(Budget),
}

/// A time zone by its IANA name; an empty name is UTC. `None`: there is no such zone.
pub(crate) fn time_zone(name: &str) -> Option<TimeZone> {
    if name.is_empty() { Some(TimeZone::UTC) } else { TimeZone::get(name).ok() }
}

/// What a giver has left, who lives in `zone` and gave `given` in the last seven days.
pub(crate) fn budget(given: &[Given], zone: &str, now: OffsetDateTime, daily: u16) -> Budget {
    let zones = zones(given, zone, now);
    let spent = Spent::since(given, day_start(&zones, now));
    // Midnights of all zones: the first at which nothing of what was given is of the same day.
    let mut midnights: BTreeSet<OffsetDateTime> = BTreeSet::new();
    for zone in &zones {
        let next = midnight_after(zone, now);
        midnights.extend([next, midnight_after(zone, next)]);
    }
    let is_whole =
        |time: &OffsetDateTime| Spent::since(given, day_start(&zones, *time)) == Spent::default();
    let last = midnights.last().copied().unwrap_or(now);
    let reset_time = midnights.into_iter().find(is_whole).unwrap_or(last);
    Budget { daily, left: spent.left(daily), reset_time }
}

/// Whether a giver may give one more.
pub(crate) fn may_give(
    given: &[Given],
    (receiver, topic): (i64, i64),
    zone: &str,
    now: OffsetDateTime,
    daily: u16,
) -> Result<Budget, Refused> {
    let same =
        given.iter().filter(|it| !it.taken_back && it.receiver == receiver && it.topic == topic);
    if let Some(again_time) = same.map(|it| it.time + AGAIN_AFTER).max().filter(|it| *it > now) {
        return Err(Refused::Given { again_time });
    }
    let budget = budget(given, zone, now, daily);
    if budget.left == 0 { Err(Refused::Spent(budget)) } else { Ok(budget) }
}

/// Until when one can be taken back that was given at `time`.
pub(crate) fn take_back_until(time: OffsetDateTime) -> OffsetDateTime {
    time + TAKE_BACK_TIME
}

/// What was given since a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spent {
    kept: usize,
    taken_back: usize,
}

// === impl Spent ===

impl Spent {
    fn since(given: &[Given], start: OffsetDateTime) -> Self {
        let of_day = given.iter().filter(|it| it.time >= start);
        let (taken_back, kept): (Vec<_>, Vec<_>) = of_day.partition(|it| it.taken_back);
        Self { kept: kept.len(), taken_back: taken_back.len() }
    }

    fn left(self, daily: u16) -> u16 {
        let daily = usize::from(daily);
        let left = daily.saturating_sub(self.kept);
        let churn = (daily * CHURN).saturating_sub(self.kept + self.taken_back);
        u16::try_from(left.min(churn)).expect("not more than the daily budget")
    }
}

/// The zone of now, and those of what was given lately. One that this version does not know is UTC.
fn zones(given: &[Given], zone: &str, now: OffsetDateTime) -> Vec<TimeZone> {
    let lately = given.iter().filter(|it| it.time > now - ZONES_TIME);
    let names: BTreeSet<&str> = lately.map(|it| it.time_zone.as_str()).chain([zone]).collect();
    names.into_iter().map(|name| time_zone(name).unwrap_or(TimeZone::UTC)).collect()
}

/// When the day of `now` began that began first.
fn day_start(zones: &[TimeZone], now: OffsetDateTime) -> OffsetDateTime {
    zones.iter().map(|zone| midnight(zone, now)).min().unwrap_or(now)
}

/// When the day of a zone began. Where the clock is put forward at midnight, with the first moment after it.
fn midnight(zone: &TimeZone, time: OffsetDateTime) -> OffsetDateTime {
    let day = timestamp(time).to_zoned_datetime(zone.clone()).start_of_day();
    day.map_or(time, |it| from_timestamp(it.timestamp()))
}

fn midnight_after(zone: &TimeZone, time: OffsetDateTime) -> OffsetDateTime {
    let zoned = timestamp(time).to_zoned_datetime(zone.clone());
    let next = zoned.tomorrow().and_then(|it| it.start_of_day());
    next.map_or(time + Duration::days(1), |it| from_timestamp(it.timestamp()))
}

fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp::from_nanosecond(time.unix_timestamp_nanos())
        .unwrap_or(if time < OffsetDateTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX })
}

fn from_timestamp(time: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(time.as_nanosecond())
        .expect("both are of the years up to 9999")
}

#[cfg(test)]
mod tests;
