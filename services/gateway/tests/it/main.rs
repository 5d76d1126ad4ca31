//! The gateway over HTTP and gRPC, in front of services that are played.

mod browsers;
mod callers;
mod customers;
mod forwarding;
mod health;
mod issuers;
mod jobs;
mod keys;
mod legacy;
mod limits;
mod lookups;
mod lookups_csv;
mod openapi;
mod pages;
mod people;
mod plus_k;
mod raw;
mod rest;
mod security_inputs;
mod security_wire;
mod topics;
mod world;
