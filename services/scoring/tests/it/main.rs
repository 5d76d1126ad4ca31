//! Scoring over gRPC, on real stores.

mod actors;
mod contesting;
mod disturbed;
mod evidence;
mod explaining;
mod freshness;
mod listing;
mod masking;
mod models;
mod passing;
mod publishing;
mod reading;
mod rebuilding;
mod replicas;
mod rules;
mod watching;
mod world;
