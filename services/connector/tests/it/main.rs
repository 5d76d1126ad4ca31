//! The connector over gRPC, on real Postgres, with hand-made consumers.

mod access;
mod consumer;
mod delivery;
mod ingest;
mod limits;
mod redelivery;
mod retractions;
mod stream;
mod texts;
mod world;
