//! Social-graph over gRPC, on real stores.

mod batches;
mod consent;
mod erasing;
mod exporting;
mod influence;
mod lookups;
mod memberships;
mod peers;
mod people;
mod places;
mod resolving;
mod ties;
mod topics;
mod world;
