//! Reads files of signals, for `klout rank` and `klout import`.
//!
//! Files come from anywhere. A row that cannot be read is a [`Rejection`] with a reason and stops
//! nothing; a file that cannot be read is a [`ReadError`] that names it. Memory is bounded whatever a
//! file holds. Which clock a row has to be before is not decided here.

mod csv;
mod identity;
mod input;
mod rejected;
mod row;

pub use crate::{
    csv::{CsvReader, Record, Rejection},
    identity::RowIdentities,
    input::{Input, ReadError, files},
    rejected::RejectedWriter,
    row::{CounterRow, Format, InteractionRow, PostRow, RegisteredRow, Row},
};
