//! Scoring over gRPC, on real stores.

mod evidence;
mod freshness;
mod listing;
mod publishing;
mod reading;
mod world;
