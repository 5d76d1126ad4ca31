//! The client against a gateway that is played: each call is counted, and answered as the test says.

mod caching;
mod calls;
mod hedging;
mod played;
mod retries;
