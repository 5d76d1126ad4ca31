//! Flows of all services, through the real binary, on real stores.

mod bad_input;
mod contract;
mod formats;
mod kill;
mod masked;
mod once;
mod operators;
mod path;
mod rebuild;
mod recomputed;
mod story;
mod topics;
mod up;
mod world;
