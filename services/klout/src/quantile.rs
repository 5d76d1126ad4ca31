//! Parts of a distribution.

/// What so many percent of them are at most.
pub(crate) fn part(ascending: &[f64], percent: usize) -> Option<f64> {
    let place = (ascending.len() * percent).div_ceil(100).saturating_sub(1);
    ascending.get(place).copied()
}
