//! Social-graph over gRPC, on real stores.

mod batches;
mod lookups;
mod memberships;
mod people;
mod places;
mod plus_k;
mod resolving;
mod world;
