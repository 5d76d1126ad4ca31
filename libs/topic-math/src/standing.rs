//! Where people stand within a topic. docs/topics.md.

use klout_score_math::percentile;

/// A place among everybody of a topic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// 1 for the strongest; people of one strength share a rank, and the next one comes as far behind as there are.
    pub rank: u64,
    /// 100 × (those who are weaker + half of those who are as strong) / all.
    pub percentile: f64,
}

/// The standings of people with these strengths, in the same order.
#[must_use]
pub fn standings(strengths: &[f64]) -> Vec<Standing> {
    let mut ascending = strengths.to_vec();
    ascending.sort_unstable_by(f64::total_cmp);
    let standing = |strength: &f64| {
        let stronger = ascending.len() - ascending.partition_point(|other| *other <= *strength);
        Standing { rank: stronger as u64 + 1, percentile: percentile(&ascending, *strength) }
    };
    strengths.iter().map(standing).collect()
}
