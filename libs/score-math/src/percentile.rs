//! Where a score stands among all. docs/scoring.md, section 12.

/// 100 × (scores that are lower + half of those that are equal) / all scores.
///
/// - `ascending`: all scores, in order. Empty gives 50.
/// - Output: 0 to 100.
#[must_use]
pub fn percentile(ascending: &[f64], score: f64) -> f64 {
    let lower = ascending.partition_point(|other| *other < score);
    let not_higher = ascending.partition_point(|other| *other <= score);
    rank(lower, not_higher, ascending.len())
}

/// The same from counts: how many are lower, how many are lower or equal, and how many there are.
fn rank(lower: usize, not_higher: usize, all: usize) -> f64 {
    if all == 0 {
        return 50.0;
    }
    let float = |count: usize| crate::float(count as u64);
    100.0 * (float(lower) + float(not_higher)) / (2.0 * float(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_equal_are_counted_half() {
        let scores = [1.0, 2.0, 2.0, 3.0];
        for (score, expected) in [(1.0, 12.5), (2.0, 50.0), (3.0, 87.5), (9.0, 100.0)] {
            assert_eq!(percentile(&scores, score).to_bits(), f64::to_bits(expected), "{score}");
        }
    }

    #[test]
    fn one_alone_is_in_the_middle() {
        assert_eq!(percentile(&[40.0], 40.0).to_bits(), 50.0_f64.to_bits());
    }
}
