//! What the gateway itself answers over gRPC: decode, call, encode.

mod keys;
mod lookup;
mod person_data;

pub(crate) use keys::KeyOperatorRpc;
pub(crate) use lookup::{LookupRpc, show_job};
pub(crate) use person_data::PersonDataRpc;
