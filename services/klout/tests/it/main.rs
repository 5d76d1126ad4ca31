//! The `klout` binary, run as its users run it.

mod rank;
mod usage;
mod world;
