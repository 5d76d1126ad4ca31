//! The `klout` binary, run as its users run it.

mod attack;
mod connect;
mod experts;
mod influence;
mod played;
mod rank;
mod tag;
mod topics;
mod usage;
mod world;
