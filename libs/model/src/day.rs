//! UTC days, and the window that scores look at.

use time::{Date, Duration, OffsetDateTime, UtcOffset};

use crate::RowReason;

/// How many UTC days count, today included: ages 0 to 89.
pub const WINDOW_DAYS: u8 = 90;

/// A UTC day, as whole days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// The UTC day that `time` falls on.
    #[must_use]
    pub fn of(time: OffsetDateTime) -> Self {
        Self::from_date(time.to_offset(UtcOffset::UTC).date())
    }

    #[must_use]
    pub fn from_date(date: Date) -> Self {
        Self(date.to_julian_day() - UNIX_EPOCH_JULIAN_DAY)
    }

    #[must_use]
    pub fn to_date(self) -> Date {
        Date::from_julian_day(self.0 + UNIX_EPOCH_JULIAN_DAY).expect("a day was made from a date")
    }

    /// Whole days since 1970-01-01; negative before.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The day `days` before this one.
    #[must_use]
    pub fn minus(self, days: u16) -> Self {
        Self(self.0 - i32::from(days))
    }

    /// The day `days` after this one.
    #[must_use]
    pub fn plus(self, days: u16) -> Self {
        Self(self.0 + i32::from(days))
    }

    /// Its beginning, and that of the day after, in UTC.
    #[must_use]
    pub fn bounds(self) -> (OffsetDateTime, OffsetDateTime) {
        let start = self.to_date().midnight().assume_utc();
        (start, start.saturating_add(Duration::DAY))
    }

    /// How many whole days ago `self` was on the day `today`: 0..[`WINDOW_DAYS`]. `None` when it
    /// is later than today or before the window.
    #[must_use]
    pub fn age_on(self, today: Self) -> Option<u8> {
        let days = i64::from(today.0) - i64::from(self.0);
        u8::try_from(days).ok().filter(|age| *age < WINDOW_DAYS)
    }

    /// Whether a signal at `time` counts for a clock that says `as_of`.
    ///
    /// # Errors
    ///
    /// [`RowReason::TimeAfterAsOf`] when it is later than the clock and its `grace`,
    /// [`RowReason::TimeBeforeWindow`] when its day is [`WINDOW_DAYS`] or more before the clock's.
    pub fn admit(
        time: OffsetDateTime,
        as_of: OffsetDateTime,
        grace: Duration,
    ) -> Result<Self, RowReason> {
        if time > as_of.saturating_add(grace) {
            return Err(RowReason::TimeAfterAsOf);
        }
        let day = Self::of(time);
        // Within the grace a signal may fall on the clock's tomorrow; it counts as today's.
        let today = Self::of(as_of);
        let day = day.min(today);
        day.age_on(today).map(|_| day).ok_or(RowReason::TimeBeforeWindow)
    }
}

const UNIX_EPOCH_JULIAN_DAY: i32 = 2_440_588;

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    #[test]
    fn a_day_is_counted_from_1970_and_goes_back_to_its_date() {
        assert_eq!(Day::of(datetime!(1970-01-01 00:00 UTC)).number(), 0);
        assert_eq!(Day::of(datetime!(2018-06-01 01:00 +02:00)).to_date(), date!(2018 - 05 - 31));
    }

    #[test]
    fn the_window_is_today_and_the_89_days_before() {
        let as_of = datetime!(2018-06-01 00:00 UTC);
        let admit = |time| Day::admit(time, as_of, Duration::ZERO);

        assert_eq!(admit(as_of), Ok(Day::of(as_of)));
        assert_eq!(
            admit(datetime!(2018-06-01 00:00:01 UTC)),
            Err(RowReason::TimeAfterAsOf),
            "as-of is inclusive and ends there"
        );
        assert!(admit(datetime!(2018-03-04 00:00 UTC)).is_ok(), "89 days before");
        assert_eq!(
            admit(datetime!(2018-03-03 23:59:59 UTC)),
            Err(RowReason::TimeBeforeWindow),
            "90 days before"
        );
    }

    #[test]
    fn a_signal_within_the_grace_counts_as_todays() {
        let as_of = datetime!(2018-06-01 23:59 UTC);
        let soon = datetime!(2018-06-02 00:01 UTC);
        assert_eq!(Day::admit(soon, as_of, Duration::minutes(5)), Ok(Day::of(as_of)));
    }
}
