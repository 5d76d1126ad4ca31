//! Scoring over gRPC, on real stores.

mod disturbed;
mod evidence;
mod explaining;
mod freshness;
mod listing;
mod models;
mod passing;
mod publishing;
mod reading;
mod replicas;
mod rules;
mod world;
