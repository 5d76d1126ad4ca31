//! The published scale.

use std::fmt;

/// Influence on the published scale, in points from 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Score(f64);

/// The decade of a score: `0-9`, `10-19`, …, `90-100`, by the unrounded score (9.9 is `0-9`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket(u8);

impl Score {
    pub const MIN: Self = Self(1.0);
    pub const MAX: Self = Self(100.0);

    /// Returns `None` when `points` is not a number or outside 1..=100.
    #[must_use]
    pub fn new(points: f64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&points).then_some(Self(points))
    }

    #[must_use]
    pub const fn points(self) -> f64 {
        self.0
    }

    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "points / 10 lies in 0.1..=10"
    )]
    pub fn bucket(self) -> Bucket {
        Bucket(((self.0 / 10.0) as u8).min(9))
    }
}

impl Bucket {
    /// Which of the ten it is, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = self.0 * 10;
        if self.0 == 9 { f.write_str("90-100") } else { write!(f, "{low}-{}", low + 9) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_from_1_to_100() {
        assert!(Score::new(1.0).is_some() && Score::new(100.0).is_some());
        for bad in [0.99, 100.01, f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(Score::new(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_bucket_goes_by_the_unrounded_score() {
        let bucket = |points| Score::new(points).expect("a score").bucket().to_string();
        assert_eq!(bucket(1.0), "0-9");
        assert_eq!(bucket(9.9), "0-9");
        assert_eq!(bucket(10.0), "10-19");
        assert_eq!(bucket(89.999), "80-89");
        assert_eq!(bucket(90.0), "90-100");
        assert_eq!(bucket(100.0), "90-100");
        assert_eq!(Score::MAX.bucket().index(), 9);
    }
}
