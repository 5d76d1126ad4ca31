//! Where people stand within a topic. docs/topics.md.

use klout_score_math::percentile;

/// A place among everybody of a topic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// 1 for the highest; people of one score share a rank, and the next one comes as far behind as there are.
    pub rank: u64,
    /// 100 × (those with a lower score + half of those with the same) / all.
    pub percentile: f64,
}

/// The standings of people with these scores in a topic, in the same order.
#[must_use]
pub fn standings(scores: &[f64]) -> Vec<Standing> {
    let mut ascending = scores.to_vec();
    ascending.sort_unstable_by(f64::total_cmp);
    let standing = |score: &f64| {
        let higher = ascending.len() - ascending.partition_point(|other| *other <= *score);
        Standing { rank: higher as u64 + 1, percentile: percentile(&ascending, *score) }
    };
    scores.iter().map(standing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_of_one_score_share_a_rank_and_leave_out_the_next() {
        let found = standings(&[2.0, 5.0, 2.0, 1.0]);
        let standing = |rank, percentile| Standing { rank, percentile };
        assert_eq!(
            found,
            [standing(2, 50.0), standing(1, 87.5), standing(2, 50.0), standing(4, 12.5)]
        );
        assert!(standings(&[]).is_empty());
    }
}
