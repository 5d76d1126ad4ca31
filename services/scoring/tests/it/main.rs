//! Scoring over gRPC, on real stores.

mod contesting;
mod disturbed;
mod evidence;
mod freshness;
mod listing;
mod publishing;
mod reading;
mod rebuilding;
mod replicas;
mod watching;
mod world;
