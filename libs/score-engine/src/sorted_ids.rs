//! Finds ids that are spread evenly, as keyed hashes and random numbers are, in one or two steps.

use crate::population::index_of;

/// Ids in order, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct SortedIds {
    ids: Vec<i64>,
    /// Where the ids begin that have these highest bits, and the number of ids last.
    starts: Vec<u32>,
    bits: u32,
}

/// More starts than this are not worth their memory.
const BITS_MAX: u32 = 28;

// === impl SortedIds ===

impl SortedIds {
    /// `ids` are in order, each once.
    pub(crate) fn new(ids: Vec<i64>) -> Self {
        debug_assert!(ids.is_sorted_by(|one, other| one < other), "in order, each once");
        let bits = (usize::BITS - ids.len().leading_zeros()).min(BITS_MAX);
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        let mut place = 0;
        for prefix in 0..1_usize << bits {
            while ids.get(place).is_some_and(|id| high_bits(*id, bits) < prefix) {
                place += 1;
            }
            starts.push(index_of(place));
        }
        starts.push(index_of(ids.len()));
        Self { ids, starts, bits }
    }

    pub(crate) fn place(&self, id: i64) -> Option<usize> {
        let prefix = high_bits(id, self.bits);
        let (start, end) = (*self.starts.get(prefix)?, *self.starts.get(prefix + 1)?);
        let (start, end) = (start as usize, end as usize);
        self.ids[start..end].binary_search(&id).ok().map(|place| start + place)
    }

    pub(crate) fn as_slice(&self) -> &[i64] {
        &self.ids
    }
}

/// In the order of the ids.
#[expect(clippy::cast_possible_truncation, reason = "fewer bits than a place has")]
const fn high_bits(id: i64, bits: u32) -> usize {
    let ordered = id.cast_unsigned() ^ (1 << 63);
    if bits == 0 { 0 } else { (ordered >> (64 - bits)) as usize }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_set, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn every_id_is_found_where_it_is_and_no_other(
            ids in btree_set(any::<i64>(), 0..200), others in btree_set(any::<i64>(), 0..50),
        ) {
            let sorted = SortedIds::new(ids.iter().copied().collect());
            for (place, id) in ids.iter().enumerate() {
                prop_assert_eq!(sorted.place(*id), Some(place));
            }
            for other in others.difference(&ids) {
                prop_assert_eq!(sorted.place(*other), None);
            }
        }
    }
}
