//! Why states change that nobody asked to change, as the ledger has it.

pub(super) const JOINED: &str = "told while joining";
pub(super) const TOLD_AGE: &str = "told another age";
pub(super) const MERGED: &str = "two people were made one";
