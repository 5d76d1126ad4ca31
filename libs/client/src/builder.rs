//! How a client is made.

use std::{sync::Arc, time::Duration};

use tonic::{
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

use crate::{
    Client, Hedge,
    budget::Budget,
    cache::Cache,
    call::{Calls, RETRIES_MAX},
    client::Caches,
    hedge::Delays,
};

/// How long connecting may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);

/// How often a connection is asked whether it is there, and how long it may take to say so.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIME_MAX: Duration = Duration::from_secs(5);

/// What a [`Client`] is made of.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    server: Server,
    key: String,
    deadline: Duration,
    retries: usize,
    extra_percent: u8,
    extra_reserve: u16,
    hedge: Option<Hedge>,
    staleness_max: Option<Duration>,
    answers_max: u64,
}

#[derive(Clone, Debug)]
enum Server {
    Address(String),
    /// The second one for reads that are asked a second time.
    Channels(Channel, Channel),
}

/// What a client cannot be made of.
#[derive(Debug, thiserror::Error)]
pub enum Unbuildable {
    #[error("`{0}` is not an address such as http://127.0.0.1:8080")]
    Address(String, #[source] tonic::transport::Error),
    #[error("the key has characters that no key has")]
    Key,
    #[cfg(not(feature = "tls"))]
    #[error("`{0}` needs the feature `tls` of klout-client")]
    NoTls(String),
}

// === impl Builder ===

impl Builder {
    pub(crate) fn new(server: String) -> Self {
        Self::of(Server::Address(server))
    }

    pub(crate) fn over(channel: Channel, second: Channel) -> Self {
        Self::of(Server::Channels(channel, second))
    }

    fn of(server: Server) -> Self {
        Self {
            server,
            key: String::new(),
            deadline: Duration::from_secs(2),
            retries: 3,
            extra_percent: 10,
            extra_reserve: 10,
            hedge: None,
            staleness_max: None,
            answers_max: 10_000,
        }
    }

    /// The key that is shown with each call: an API key, or a token.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// How long a call may take, with all that is tried again. 2 s if nothing is said; [`Client::with_deadline`] for some
    /// calls alone.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How often a call is made again that is UNAVAILABLE: 3 times if nothing is said, and never more than
    /// [`RETRIES_MAX`] times.
    pub fn retries(mut self, retries: usize) -> Self {
        self.retries = retries.min(RETRIES_MAX);
        self
    }

    /// How many calls may be made again or twice: `percent` for a hundred that are answered, and `reserve` more at once. 10
    /// and 10 if nothing is said.
    pub fn extra_calls(mut self, percent: u8, reserve: u16) -> Self {
        (self.extra_percent, self.extra_reserve) = (percent, reserve);
        self
    }

    /// When a read that is not answered is asked a second time. Never if nothing is said.
    pub fn hedge(mut self, hedge: Hedge) -> Self {
        self.hedge = Some(hedge);
        self
    }

    /// How old an answer may be that is shown again: scores, look-ups and topics of people. Nothing is kept if nothing is
    /// said; more than [`STALENESS_MAX`](crate::STALENESS_MAX) is treated as that, as whoever leaves is shown for so long.
    pub fn cache(mut self, staleness_max: Duration) -> Self {
        self.staleness_max = Some(staleness_max);
        self
    }

    /// How many answers of each kind are kept, 10,000 if nothing is said.
    pub fn cached_answers_max(mut self, answers_max: u64) -> Self {
        self.answers_max = answers_max;
        self
    }

    /// Makes the client, within a runtime of tokio. It connects when it is first used.
    ///
    /// # Errors
    ///
    /// When the address or the key cannot be one.
    pub fn build(self) -> Result<Client, Unbuildable> {
        let key = if self.key.is_empty() {
            None
        } else {
            let mut key: MetadataValue<Ascii> = self.key.parse().map_err(|_| Unbuildable::Key)?;
            key.set_sensitive(true);
            Some(key)
        };
        let (channel, second) = match self.server {
            Server::Channels(channel, second) => (channel, second),
            Server::Address(address) => {
                let endpoint = endpoint(address)?;
                // Another connection, which may be to another replica, and has no queue of ours before it.
                (endpoint.connect_lazy(), endpoint.connect_lazy())
            }
        };
        let calls = Calls {
            channel,
            second,
            key,
            retries: self.retries,
            budget: Budget::new(self.extra_percent, self.extra_reserve),
            delays: self.hedge.map(Delays::new),
        };
        let caches = self.staleness_max.map(|staleness_max| Caches {
            scores: Cache::new(staleness_max, self.answers_max),
            look_ups: Cache::new(staleness_max, self.answers_max),
            topics: Cache::new(staleness_max, self.answers_max),
        });
        Ok(Client { calls: Arc::new(calls), caches: caches.map(Arc::new), deadline: self.deadline })
    }
}

fn endpoint(address: String) -> Result<Endpoint, Unbuildable> {
    let unbuildable = |error| Unbuildable::Address(address.clone(), error);
    let endpoint = Endpoint::from_shared(address.clone()).map_err(unbuildable)?;
    let endpoint = if endpoint.uri().scheme() == Some(&http::uri::Scheme::HTTPS) {
        #[cfg(not(feature = "tls"))]
        return Err(Unbuildable::NoTls(address));
        #[cfg(feature = "tls")]
        endpoint
            .tls_config(tonic::transport::ClientTlsConfig::new().with_enabled_roots())
            .map_err(unbuildable)?
    } else {
        endpoint
    };
    Ok(endpoint
        .connect_timeout(CONNECT_TIME_MAX)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIME_MAX)
        .tcp_nodelay(true))
}
