//! Between wire and model.

use prost_types::Timestamp;
use time::OffsetDateTime;

use crate::score::v1::Score;

/// The states of a score, in the words of the contract.
pub mod state {
    /// Scored.
    pub const KNOWN: &str = "KNOWN";
    /// A member without evidence.
    pub const UNKNOWN: &str = "UNKNOWN";
    /// Signals were received and are not scored yet.
    pub const PENDING: &str = "PENDING";
}

/// A time as the wire has it.
#[must_use]
pub fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: time.unix_timestamp(),
        nanos: i32::try_from(time.nanosecond()).unwrap_or(0),
    }
}

/// A time off the wire. `None` when it lies outside the years -9999 to 9999 or has impossible
/// nanoseconds.
#[must_use]
pub fn time(timestamp: &Timestamp) -> Option<OffsetDateTime> {
    let nanos = u32::try_from(timestamp.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    let whole = OffsetDateTime::from_unix_timestamp(timestamp.seconds).ok()?;
    whole.replace_nanosecond(nanos).ok()
}

impl Score {
    /// Whether the person was scored.
    #[must_use]
    pub fn known(&self) -> bool {
        self.state == state::KNOWN
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_time_survives_the_wire() {
        let noon = datetime!(2018-06-01 12:00:00.123456789 UTC);
        assert_eq!(time(&timestamp(noon)), Some(noon));
        let before_1970 = datetime!(1969-12-31 23:59:59.5 UTC);
        assert_eq!(time(&timestamp(before_1970)), Some(before_1970));
    }

    #[test]
    fn an_impossible_time_is_none() {
        assert_eq!(time(&Timestamp { seconds: i64::MAX, nanos: 0 }), None);
        assert_eq!(time(&Timestamp { seconds: 0, nanos: -1 }), None);
        assert_eq!(time(&Timestamp { seconds: 0, nanos: 1_000_000_000 }), None);
    }
}
