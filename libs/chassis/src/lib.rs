//! The life of a process, the same for one service and for all six.
//!
//! A [`Host`] reads the configuration, binds its ports, builds the services, puts the layers around
//! what they answer, connects them to one another by [`Link`]s, tells health, and takes everything
//! down in order. A [`Service`] is only what is particular to it.

mod auth;
mod clock;
pub mod config;
mod deadline;
mod faults;
mod health;
mod host;
mod layers;
mod link;
mod refusal;
mod running;
mod service;
mod token;
mod trace;
mod work;

pub use crate::{
    auth::{Authentication, Caller},
    clock::Clock,
    config::{ConfigError, Configuration, Sources},
    deadline::{CallLimits, time_left, within},
    faults::Chain,
    host::{Host, ServeError, StartError},
    layers::around,
    link::{Identity, Link, LinkInvalid, Links, Switchboard},
    refusal::{DOMAIN, Refusal, from_row, reason, to_row},
    running::{Running, Signals, StopError},
    service::{Context, Service},
    token::{Claims, TokenError, TokenKey},
    work::repeat,
};
