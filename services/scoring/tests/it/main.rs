//! Scoring over gRPC, on real stores.

mod disturbed;
mod evidence;
mod freshness;
mod listing;
mod publishing;
mod reading;
mod replicas;
mod watching;
mod world;
