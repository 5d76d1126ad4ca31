//! Which row is which, when the file does not say.

use rustc_hash::FxHashMap;

use crate::Row;

/// Gives every row of one file an identity that it has again when the file is imported again: what
/// it says, and how many equal rows came before it.
///
/// Holds 24 bytes for each distinct row.
#[derive(Debug, Default)]
pub struct RowIdentities {
    seen: FxHashMap<[u8; 16], u32>,
}

// === impl RowIdentities ===

impl RowIdentities {
    /// The identity of the next row: the `id` that it has, or one made of its parsed values, so that
    /// the order of rows and columns and the writing of a number do not matter.
    #[must_use]
    pub fn identify(&mut self, row: &Row) -> String {
        if let Some(id) = row.id() {
            return id.to_owned();
        }
        let hash = *blake3::hash(format!("{row:?}").as_bytes()).as_bytes();
        let hash: [u8; 16] = hash[..16].try_into().expect("sixteen of thirty-two bytes");
        let ordinal = self.seen.entry(hash).or_default();
        *ordinal += 1;
        format!("row:{:032x}:{ordinal}", u128::from_be_bytes(hash))
    }
}
