//! Social-graph over gRPC, on real stores.

mod batches;
mod influence;
mod memberships;
mod people;
mod places;
mod resolving;
mod ties;
mod topics;
mod world;
