//! Flows of all services, through the real binary, on real stores.

mod once;
mod path;
mod world;
