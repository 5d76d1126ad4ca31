//! Everything an operator can change about the connector.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use klout_chassis::ConfigError;
use klout_networks::bluesky::jetstream::Framing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use crate::{networks::Servers, seal::Keys};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How often the outbox is looked at when nobody rang.
    #[serde(with = "humantime_serde")]
    pub deliver_interval: Duration,

    /// The longest that one stream of signals may last.
    #[serde(with = "humantime_serde")]
    pub stream_time_max: Duration,

    /// How many requests to networks are made at once, over all hosts.
    pub requests_at_once: NonZeroU32,

    /// How many requests a second one host is asked at most, over all replicas.
    pub requests_per_second: NonZeroU32,

    /// How long after a look at an account the next one begins.
    #[serde(with = "humantime_serde")]
    pub visit_interval: Duration,

    /// How long after a look at all of the window, also at what seems not to have changed, the next one begins.
    #[serde(with = "humantime_serde")]
    pub whole_interval: Duration,

    /// Keys that seal the access that people gave: `ID:KEY`, separated by spaces. The first one seals.
    pub token_keys: SecretString,

    /// Whether networks at private addresses and other ports than the usual are asked, too.
    pub private_networks_allowed: bool,

    /// Where each network is.
    pub networks: BTreeMap<String, Servers>,

    /// What is read as it happens.
    pub streams: Streams,
}

/// What networks tell as it happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streams {
    pub bluesky: StreamSource,
}

/// Where a stream is, and what of it is taken in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamSource {
    pub whose: Whose,
    pub url: String,
    pub framing: Framing,
}

/// What of a stream is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// Nothing: it is not read.
    Nobody,
    /// What is about accounts that are connected.
    Connected,
    Everybody,
}

impl Config {
    /// Checks what the types cannot.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.deliver_interval < Duration::from_millis(10) {
            return Err(ConfigError::Setting {
                setting: "connector.deliver_interval",
                problem: "is below 10ms, which would keep Postgres busy with nothing".to_owned(),
            });
        }
        self.keys()?;
        if self.streams.bluesky.server().is_none() {
            return Err(ConfigError::Setting {
                setting: "connector.streams",
                problem: format!(
                    "has an address that is none of a WebSocket: {}",
                    self.streams.bluesky.url
                ),
            });
        }
        for (network, servers) in &self.networks {
            let example = servers.public.replace("{server}", "server.example");
            if Url::parse(&example).ok().is_none_or(|url| !url.has_host()) {
                return Err(ConfigError::Setting {
                    setting: "connector.networks",
                    problem: format!("has no address for {network}: {}", servers.public),
                });
            }
        }
        Ok(())
    }

    /// Refuses to do without keys.
    pub(crate) fn validate_secrets(&self) -> Result<(), ConfigError> {
        if self.token_keys.expose_secret().trim().is_empty() {
            return Err(ConfigError::Setting {
                setting: "connector.token_keys",
                problem: "has to be ID:KEY, such as `first:` and what `openssl rand -base64 32` makes, made once and \
                          kept; `--dev` does without"
                    .to_owned(),
            });
        }
        Ok(())
    }

    /// What seals the access that people gave. Without any it is one that everybody knows: see
    /// [`Self::validate_secrets`].
    pub(crate) fn keys(&self) -> Result<Keys, ConfigError> {
        let text = self.token_keys.expose_secret();
        if text.trim().is_empty() {
            return Ok(Keys::well_known());
        }
        Keys::parse(text).map_err(|problem| ConfigError::Setting {
            setting: "connector.token_keys",
            problem: problem.to_owned(),
        })
    }

    /// How long after a request the same host is asked again.
    pub(crate) fn pace(&self) -> Duration {
        Duration::from_secs(1) / self.requests_per_second.get()
    }
}

// === impl StreamSource ===

impl StreamSource {
    /// The address, if it is one of a WebSocket.
    pub(crate) fn server(&self) -> Option<Url> {
        let url = Url::parse(&self.url).ok()?;
        (matches!(url.scheme(), "ws" | "wss") && url.has_host()).then_some(url)
    }
}
