//! Social-graph over gRPC, on real stores.

mod batches;
mod consent;
mod contacts;
mod deletion_lists;
mod erasing;
mod exporting;
mod handles;
mod identifying;
mod influence;
mod lookups;
mod memberships;
mod merging;
mod peers;
mod people;
mod places;
mod plus_k;
mod profiles;
mod proofs;
mod resolving;
mod restoring;
mod ties;
mod topics;
mod world;
