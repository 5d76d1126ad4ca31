//! Social-graph over gRPC, on real stores.

mod batches;
mod lookups;
mod memberships;
mod people;
mod places;
mod resolving;
mod world;
