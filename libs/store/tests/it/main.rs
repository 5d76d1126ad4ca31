//! The cache on a real Redis, and reads on a real Postgres.

mod cache;
mod leases;
mod reads;
