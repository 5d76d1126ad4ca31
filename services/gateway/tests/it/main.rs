//! The gateway over HTTP and gRPC, in front of services that are played.

mod callers;
mod customers;
mod forwarding;
mod health;
mod issuers;
mod keys;
mod pages;
mod people;
mod plus_k;
mod rest;
mod topics;
mod world;
