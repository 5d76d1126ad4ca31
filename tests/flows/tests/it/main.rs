//! Flows of all services, through the real binary, on real stores.

mod backfill;
mod bad_input;
mod bad_people;
mod bulk_lookups;
mod contract;
mod formats;
mod identity;
mod kill;
mod lookups;
mod masked;
mod masked_perks;
mod network;
mod once;
mod operators;
mod path;
mod plus_k;
mod rebuild;
mod recomputed;
mod restored;
mod story;
mod stream;
mod topics;
mod up;
mod world;
