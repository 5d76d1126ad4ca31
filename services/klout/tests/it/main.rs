//! The `klout` binary, run as its users run it.

mod attack;
mod rank;
mod usage;
mod world;
