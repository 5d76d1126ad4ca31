//! A Postgres and a Redis of our own, for whoever has none: `klout up`, and the tests.
//!
//! The programs are those of the machine. They run as children of a *keeper*, a process of the same
//! binary that holds a pipe to the process that uses the stores: when that process ends, however it
//! ends, the pipe closes, and the keeper stops both stores in order. A store that ends by itself is
//! started again.
//!
//! ```text
//! klout up ──stdin, stdout──▶ keeper ──▶ postgres
//!    ╎                          └──────▶ redis-server
//!    ╰╌╌╌╌╌╌╌ Unix sockets ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┘
//! ```
//!
//! A binary that uses this answers `keep-stores` with [`keep`].

mod error;
mod home;
mod keeper;
mod postgres;
mod programs;
mod redis;
mod server;
mod stores;
mod user;

pub use crate::{
    error::Error,
    home::{FREE_BYTES_MIN, Home, free_bytes, stray_stores},
    keeper::{KEEP_STORES, keep},
    programs::{POSTGRES_VERSION_MIN, PostgresPrograms, postgres_programs, redis_program},
    stores::{Needs, Note, Stores},
};
