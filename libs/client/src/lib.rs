//! What a Rust caller of Klout imports.
//!
//! A [`Client`] has a typed call for what callers of a gateway ask most: a score, many scores, the score of a customer of
//! whom an address or a number is known, topics, and what a desk offers. Any other RPC goes through [`Client::call`] by the
//! same rules:
//!
//! - A call ends with its deadline, which the gateway is told.
//! - A call that is UNAVAILABLE is made again, at most [`RETRIES_MAX`] times, after pauses that grow, that chance makes
//!   unequal, and that are not shorter than the gateway says; but never one whose repetition would do something twice
//!   ([`Repeat`]).
//! - A read that takes longer than most is asked a second time, if [`Builder::hedge`] says so ([`Hedge`]).
//! - Both take from one budget: a share of the calls that are answered, so that a gateway that struggles is not asked more
//!   and more.
//! - Answers are shown again for a moment, if [`Builder::cache`] says so, and never after the time until which the gateway
//!   lets them be kept. Who asks what is being asked already waits for that answer, no longer than they would for their own.
//! - An [`Error`] says its reason, such as `PERSON_UNKNOWN`, which is never renamed.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use klout_client::{Client, Hedge, Subject};
//!
//! # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder("http://127.0.0.1:8080")
//!     .key("klout_…")
//!     .deadline(Duration::from_millis(500))
//!     .hedge(Hedge::AfterMost { part: 0.95, at_least: Duration::from_millis(10) })
//!     .cache(Duration::from_secs(5))
//!     .build()?;
//!
//! let score = client.score(Subject::account("bluesky", "ann.example")).await?;
//! println!("{} {:?}", score.state, score.score);
//!
//! for row in client.scores([Subject::person("42"), Subject::person("43")]).await? {
//!     match row {
//!         Ok(score) => println!("{} {:?}", score.person, score.score),
//!         Err(error) if error.reason() == Some("PERSON_UNKNOWN") => println!("nobody"),
//!         Err(error) => return Err(error.into()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod budget;
mod builder;
mod cache;
mod call;
mod client;
mod desk;
mod error;
mod hedge;
mod subject;

/// The messages of the contracts.
pub use klout_proto as proto;
pub use tonic::Code;

pub use crate::{
    builder::{Builder, Unbuildable},
    cache::STALENESS_MAX,
    call::{RETRIES_MAX, Repeat},
    client::Client,
    error::Error,
    hedge::Hedge,
    subject::Subject,
};
