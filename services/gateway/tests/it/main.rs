//! The gateway over HTTP and gRPC, in front of services that are played.

mod callers;
mod customers;
mod forwarding;
mod health;
mod issuers;
mod jobs;
mod keys;
mod legacy;
mod pages;
mod people;
mod plus_k;
mod rest;
mod topics;
mod world;
