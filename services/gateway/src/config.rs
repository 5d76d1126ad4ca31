//! Everything an operator can change about the gateway.

use std::time::Duration;

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The longest that one call may take.
    #[serde(with = "humantime_serde")]
    pub request_time_max: Duration,

    /// The longest that a call may take whose request is a stream.
    #[serde(with = "humantime_serde")]
    pub stream_time_max: Duration,

    /// The largest body of a REST request, in bytes.
    pub body_size_max: usize,

    /// The origins whose pages may ask, separated by spaces.
    pub cors_origins: String,
}
