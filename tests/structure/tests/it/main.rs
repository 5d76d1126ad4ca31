//! The rules of this repository that no compiler knows.

mod database;
mod docs;
mod layers;
mod metrics;
mod protos;
mod reasons;
mod security;
mod sources;
mod tidy;
