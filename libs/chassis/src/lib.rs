//! The life of a process, the same for one service and for all six.
//!
//! A [`Host`] reads the configuration, binds its ports, builds the services, puts the layers around
//! what they answer, connects them to one another by [`Link`]s, tells health, and takes everything
//! down in order. A [`Service`] is only what is particular to it.

mod auth;
mod caller;
mod calls;
mod clock;
pub mod config;
mod deadline;
mod door;
#[cfg(feature = "failpoints")]
pub mod failpoints;
mod faults;
mod health;
mod host;
mod http_server;
mod layers;
mod link;
mod lookups;
mod measure;
mod numbers;
pub mod page;
mod person_states;
mod refusal;
mod running;
mod service;
mod shortcut;
mod token;
mod trace;
mod work;

pub use crate::{
    auth::{Admitted, Authentication, Identified, shown_token},
    caller::Caller,
    clock::Clock,
    config::{ConfigError, Configuration, Sources},
    deadline::{CallLimits, time_left, within},
    faults::Chain,
    host::{Host, ServeError, StartError},
    layers::{Guard, Guarded},
    link::{Identity, Link, LinkInvalid, Links, Switchboard},
    lookups::{Lookups, Seen},
    numbers::METRICS,
    page::PageMalformed,
    person_states::follow_states,
    refusal::{DOMAIN, Refusal, from_row, reason, to_row},
    running::{Running, Signals, StopError},
    service::{Context, Service},
    shortcut::Shortcuts,
    token::{Claims, TokenError, TokenKey},
    work::{Pace, renewing, repeat},
};

/// A place where a test can stop the process: see `failpoints`. In a build for anybody else it is nothing.
#[cfg(feature = "failpoints")]
#[macro_export]
macro_rules! failpoint {
    ($point:literal) => {
        $crate::failpoints::meet($point)
    };
}

/// See above.
#[cfg(not(feature = "failpoints"))]
#[macro_export]
macro_rules! failpoint {
    ($point:literal) => {};
}

/// Whether a test has switched that on: see `failpoints`. In a build for anybody else nobody ever has.
#[cfg(feature = "failpoints")]
#[macro_export]
macro_rules! switched_on {
    ($switch:literal) => {
        $crate::failpoints::switched_on($switch)
    };
}

/// See above.
#[cfg(not(feature = "failpoints"))]
#[macro_export]
macro_rules! switched_on {
    ($switch:literal) => {
        false
    };
}
