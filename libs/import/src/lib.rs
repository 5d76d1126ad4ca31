//! Reads files of signals, for `klout rank` and `klout import`.
//!
//! Files come from anywhere. A row that cannot be read is rejected with a reason and stops nothing; a
//! file that cannot be read is a [`ReadError`] that names it. Memory is bounded whatever a file holds,
//! but for the identities of CSV rows without an id: 24 to 48 bytes for each distinct one. Which clock a
//! row has to be before is not decided here.
//!
//! [`CsvRows`] reads any other CSV as bounded.
//!
//! Each format is a [`SignalReader`]; what is done with its entries is the same for all of them.

mod csv;
mod csv_rows;
mod csv_signals;
mod each_line;
mod gharchive;
mod identity;
mod input;
mod json_signals;
mod lines;
mod reader;
mod rejected;
mod row;
mod stackexchange;

pub use crate::{
    csv::{CsvReader, Record, Rejection},
    csv_rows::{CsvFields, CsvRows},
    csv_signals::CsvSignals,
    each_line::EachLine,
    identity::RowIdentities,
    input::{Input, Position, ReadError, files},
    lines::LINE_BYTES_MAX,
    reader::{Entry, Found, Kept, SignalReader},
    rejected::{LinesWriter, RejectedWriter},
    row::{CounterRow, Format, InteractionRow, PostRow, RegisteredRow, Row},
    stackexchange::{Dump, dumps, lone_file, post_text},
};
