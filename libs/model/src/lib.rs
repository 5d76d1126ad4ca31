//! The nouns of the platform, as every crate means them.
//!
//! No I/O, no wire format, no clock, no randomness. A value that exists is valid: what cannot be
//! a network, a score or a count is refused where it is made, with the [`RowReason`] that callers
//! and files are told.

mod account;
mod counter;
mod day;
mod kind;
mod network;
mod person;
mod purpose;
mod reason;
mod score;
mod sheet;
mod topic;

pub use crate::account::{
    AccountId, AccountKey, AccountKeyDiffers, AccountTag, ContactHash, NativeId, SignalHash,
};
pub use crate::counter::{CounterName, CounterValue};
pub use crate::day::{Day, WINDOW_DAYS};
pub use crate::kind::{Count, Kind};
pub use crate::network::Network;
pub use crate::person::PersonId;
pub use crate::purpose::{Purpose, PurposeRefused, PurposeUnknown, Purposes};
pub use crate::reason::RowReason;
pub use crate::score::{Bucket, Score};
pub use crate::sheet::sheet_cell;
pub use crate::topic::{TopicId, TopicIdInvalid};
