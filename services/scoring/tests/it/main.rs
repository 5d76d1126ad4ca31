//! Scoring over gRPC, on real stores.

mod evidence;
mod freshness;
mod listing;
mod reading;
mod world;
