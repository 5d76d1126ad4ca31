//! The way to hosts of others, which somebody else named.
//!
//! Whoever names a host decides what is asked, so nothing but public addresses is asked, on the usual ports, whatever a
//! name resolves to ([`Reach::Public`]); nobody is followed to another origin; and no answer takes longer or is larger
//! than whoever asks says.

mod address;
mod dial;

use std::{error::Error as StdError, net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    Client, ClientBuilder, RequestBuilder, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::{Attempt, Policy},
};
use url::{Host, Url};

use crate::address::is_public;
pub use crate::dial::{Connection, DialError, Dialed, dial};

/// How often a host may send us to another page of its own.
const REDIRECTS_MAX: usize = 3;

/// Whom we may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses on the usual ports.
    Public,
    /// Private networks and other ports, too: for tests, and for networks of one's own.
    Anywhere,
}

/// Asks hosts of others.
#[derive(Clone, Debug)]
pub struct Outbound {
    client: Client,
    reach: Reach,
}

/// Why there is no answer, or none that is used.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error("the address is not a public one")]
    Private,
    #[error("it sends us elsewhere")]
    Elsewhere(#[source] reqwest::Error),
    #[error("it took too long")]
    TooSlow(#[source] reqwest::Error),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("it could not be read")]
    Failed(#[source] reqwest::Error),
}

/// Finds addresses, and keeps those that may be asked.
#[derive(Clone, Debug)]
struct Addresses(Reach);

#[derive(Debug, thiserror::Error)]
#[error("it has no public address")]
struct NoPublicAddress;

#[derive(Debug, thiserror::Error)]
#[error("another origin, or too often")]
struct AnotherOrigin;

// === impl Outbound ===

impl Outbound {
    /// Whoever is asked has `time_max` from the first byte asked to the last byte answered.
    ///
    /// # Errors
    ///
    /// When there is no TLS to be had.
    pub fn new(reach: Reach, time_max: Duration) -> Result<Self, reqwest::Error> {
        Self::build(reach, time_max, |client| client)
    }

    /// As [`Self::new`], with more to say of the client.
    ///
    /// # Errors
    ///
    /// When there is no TLS to be had.
    pub fn build(
        reach: Reach,
        time_max: Duration,
        with: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls())
            .dns_resolver(Addresses(reach))
            .no_proxy()
            .redirect(Policy::custom(stay))
            .timeout(time_max)
            .user_agent(concat!("klout/", env!("CARGO_PKG_VERSION")));
        Ok(Self { client: with(client).build()?, reach })
    }

    /// What requests are made with. They are sent by [`Self::send`] alone.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request, unless its address may not be asked.
    ///
    /// # Errors
    ///
    /// When it may not, or nobody answers in time.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, OutboundError> {
        let request = request.build().map_err(OutboundError::of)?;
        if !self.may_ask(request.url()) {
            return Err(OutboundError::Private);
        }
        self.client.execute(request).await.map_err(OutboundError::of)
    }

    /// Whether an address may be asked, as far as it can be told without looking its name up. Names are looked up
    /// when they are asked, and private addresses among what is found are left out.
    #[must_use]
    pub fn may_ask(&self, url: &Url) -> bool {
        if !matches!(url.scheme(), "http" | "https") {
            return false;
        }
        if self.reach == Reach::Anywhere {
            return url.has_host();
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => is_public(address.into()),
            Some(Host::Ipv6(address)) => is_public(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        // Other ports are other services.
        address && url.port().is_none()
    }
}

/// All of an answer, if it is not larger than `bytes_max`.
///
/// # Errors
///
/// When it is larger, breaks off, or takes too long.
pub async fn read(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, OutboundError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(OutboundError::of)? {
        if chunk.len() > bytes_max - body.len() {
            return Err(OutboundError::TooLarge(bytes_max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The beginning of an answer.
///
/// # Errors
///
/// When it breaks off before, or takes too long.
pub async fn read_start(
    mut response: Response,
    bytes_max: usize,
) -> Result<Vec<u8>, OutboundError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(OutboundError::of)? {
        let room = bytes_max - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == bytes_max {
            break;
        }
    }
    Ok(body)
}

// === impl OutboundError ===

impl OutboundError {
    /// Whom we asked about stands in the address, and errors are logged.
    fn of(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let private = |error: &(dyn StdError + 'static)| error.is::<NoPublicAddress>();
        if causes(&error).any(private) {
            Self::Private
        } else if error.is_redirect() {
            Self::Elsewhere(error)
        } else if error.is_timeout() {
            Self::TooSlow(error)
        } else {
            Self::Failed(error)
        }
    }
}

// === impl Addresses ===

impl Resolve for Addresses {
    fn resolve(&self, name: Name) -> Resolving {
        let Self(reach) = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let may = |address: &SocketAddr| reach == Reach::Anywhere || is_public(address.ip());
            let found: Vec<SocketAddr> = found.filter(may).collect();
            if found.is_empty() {
                return Err(Box::new(NoPublicAddress) as Box<dyn StdError + Send + Sync>);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Follows from one page of an origin to another, and nowhere else.
fn stay(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let origin = attempt.previous().first().map(Url::origin);
    if origin != Some(attempt.url().origin()) || attempt.previous().len() > REDIRECTS_MAX {
        return attempt.error(AnotherOrigin);
    }
    attempt.follow()
}

/// By the roots that Mozilla trusts, which lie in the binary: no machine needs to have any.
#[must_use]
pub fn tls() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the versions that are safe")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        let error: &'a (dyn StdError + 'static) = *error;
        error.source()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_private_network_is_not_asked_however_it_is_written() {
        let outbound = Outbound::new(Reach::Public, Duration::from_secs(1)).expect("a client");
        for private in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://169.254.169.254/latest",
            "https://example.org:6379/",
            "file:///etc/passwd",
            "gopher://example.org/",
        ] {
            assert!(!outbound.may_ask(&Url::parse(private).expect("an address")), "{private}");
        }
        assert!(outbound.may_ask(&Url::parse("https://example.org/").expect("an address")));
    }

    #[tokio::test]
    async fn a_name_that_means_a_private_address_is_not_asked() {
        let outbound = Outbound::new(Reach::Public, Duration::from_secs(5)).expect("a client");
        let request = outbound.client().get("http://localhost/");
        let error = outbound.send(request).await.expect_err("refused");
        assert!(matches!(error, OutboundError::Private), "{error:?}");
    }
}
