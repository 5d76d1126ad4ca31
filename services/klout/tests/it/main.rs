//! The `klout` binary, run as its users run it.

mod attack;
mod played;
mod rank;
mod usage;
mod world;
