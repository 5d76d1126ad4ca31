//! Postgres and Redis: how services connect to them, migrate them, and live without the second.
//!
//! No query of any service is here: those stand in the `store` module of their service.

mod cache;
mod copy;
mod leases;
mod postgres;
mod reads;
mod remote;

pub use crate::cache::{Cache, CacheError, Fill, Version};
pub use crate::copy::{CopiedRow, copy_out};
pub use crate::leases::{Lease, Leased, Leases};
pub use crate::postgres::{ConnectError, connect, ending, interval, is_transient, listen, migrate};
pub use crate::reads::Reads;
