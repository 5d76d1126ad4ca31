//! The public keys of an issuer: a JWKS, from an address or from a file.
//!
//! One loop reads them, so that however many callers show keys that nobody knows, they are read once a minute at most: see
//! [`KeySet::keep`]. A call that shows an unknown key waits for it if the last reading is that long ago, and not otherwise.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use klout_chassis::Chain;
use reqwest::{Client, StatusCode, redirect::Policy};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use url::{Host, Url};

use super::TokenRefused;
use crate::error::Error;

/// How often keys are read again unasked.
const READ_INTERVAL: Duration = Duration::from_secs(600);

/// The same as long as they never were.
const FIRST_READ_INTERVAL: Duration = Duration::from_secs(5);

/// How soon keys are read again at the earliest because somebody showed one that is not known.
const READ_PAUSE_MIN: Duration = Duration::from_secs(60);

/// How long reading may take.
const READ_TIME_MAX: Duration = Duration::from_secs(5);

/// How long a call waits for keys that are being read.
const WAIT_TIME_MAX: Duration = Duration::from_secs(6);

/// The longest JWKS: providers have a few keys of some hundred bytes.
const BYTES_MAX: usize = 256 * 1024;

#[derive(Debug)]
pub(super) struct KeySet {
    issuer: String,
    source: Source,
    /// `None`: they were never read.
    read: watch::Sender<Option<Arc<JwkSet>>>,
    reading: Mutex<Reading>,
    wanted: Notify,
}

/// How reading goes.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    is_going_on: bool,
    /// When it was begun last.
    begun: Option<Instant>,
}

#[derive(Debug)]
enum Source {
    Address { client: Client, url: Url },
    File(PathBuf),
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("could not be fetched")]
    Fetch(#[from] reqwest::Error),
    #[error("the issuer answered {0}")]
    Answer(StatusCode),
    #[error("could not be read")]
    File(#[from] std::io::Error),
    #[error("are longer than {BYTES_MAX} bytes")]
    TooLong,
    #[error("are not the JSON of a key set")]
    Malformed(#[from] serde_json::Error),
    #[error("took longer than {READ_TIME_MAX:?}")]
    TooSlow,
}

/// Where keys are: an address that nobody else can answer for (`https`, or `http` on this machine), or a file.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn check_source(keys: &str) -> Result<(), &'static str> {
    if keys.is_empty() {
        return Err("is missing: an https address or the path of a JWKS");
    }
    if !keys.contains("://") {
        return Ok(());
    }
    let url = Url::parse(keys).map_err(|_| "is not an address")?;
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback => Ok(()),
        _ => Err(
            "is neither https nor on this machine: whoever is in between could put their own keys there",
        ),
    }
}

// === impl KeySet ===

impl KeySet {
    pub(super) fn new(issuer: &str, keys: &str) -> Result<Self, reqwest::Error> {
        let source = match Url::parse(keys).ok().filter(|_| keys.contains("://")) {
            Some(url) => Source::Address { client: client()?, url },
            None => Source::File(Path::new(keys).to_owned()),
        };
        Ok(Self {
            issuer: issuer.to_owned(),
            source,
            read: watch::Sender::new(None),
            reading: Mutex::default(),
            wanted: Notify::new(),
        })
    }

    /// The key that a token names. One that names none may mean the only one that there is for its algorithm.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, Error> {
        let mut read = self.read.subscribe();
        let known = read.borrow_and_update().clone();
        if let Some(key) = known.as_deref().and_then(|keys| pick(keys, kid, algorithm)) {
            return Ok(key);
        }
        if self.is_worth_waiting() {
            self.wanted.notify_one();
            // Whether it was read in time or not, what there is now is all that there is.
            let _ = timeout(WAIT_TIME_MAX, read.changed()).await;
        }
        let keys = read.borrow().clone().ok_or(Error::IssuerAway)?;
        pick(&keys, kid, algorithm).ok_or_else(|| TokenRefused::KeyUnknown.into())
    }

    /// Reads the keys now, each ten minutes, and when one is shown that is not known, once a minute at most.
    pub(super) async fn keep(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            *self.reading() = Reading { is_going_on: true, begun: Some(Instant::now()) };
            let read = timeout(READ_TIME_MAX, self.source.read());
            match read.await.unwrap_or(Err(ReadError::TooSlow)) {
                Ok(keys) => {
                    let count = keys.keys.len();
                    self.reading().is_going_on = false;
                    let before = self.read.send_replace(Some(Arc::new(keys)));
                    if before.is_none() {
                        info!(issuer = self.issuer, count, "read the keys of an issuer");
                    }
                }
                Err(error) => {
                    // Those that were read before are as good as they were.
                    self.reading().is_going_on = false;
                    self.read.send_modify(|_| {});
                    let error = Chain(&error);
                    warn!(issuer = self.issuer, %error, "the keys of an issuer cannot be read");
                }
            }
            let was_read = self.read.borrow().is_some();
            let interval = if was_read { READ_INTERVAL } else { FIRST_READ_INTERVAL };
            let asked = async {
                sleep(READ_PAUSE_MIN).await;
                self.wanted.notified().await;
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(interval) => {}
                () = asked => {}
            }
        }
    }

    /// Whether keys are being read, or will be for whoever asks now: not when that was begun a moment ago.
    fn is_worth_waiting(&self) -> bool {
        let Reading { is_going_on, begun } = *self.reading();
        is_going_on || begun.is_none_or(|begun| begun.elapsed() >= READ_PAUSE_MIN)
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().expect("nobody panics while holding it")
    }
}

// === impl Source ===

impl Source {
    async fn read(&self) -> Result<JwkSet, ReadError> {
        let bytes = match self {
            Self::Address { client, url } => fetch(client, url).await?,
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
                read.map_err(std::io::Error::other)??
            }
        };
        if bytes.len() > BYTES_MAX {
            return Err(ReadError::TooLong);
        }
        Ok(serde_json::from_slice(&bytes)?)
    }
}

async fn fetch(client: &Client, url: &Url) -> Result<Vec<u8>, ReadError> {
    let mut response = client.get(url.clone()).send().await?;
    if response.status() != StatusCode::OK {
        return Err(ReadError::Answer(response.status()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > BYTES_MAX {
            return Err(ReadError::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The key of that name, if it is a public one, there to sign, and of that algorithm.
fn pick(keys: &JwkSet, kid: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
    let mut usable = keys.keys.iter().filter(|key| is_for(key, algorithm));
    let key = match kid {
        Some(kid) => usable.find(|key| key.common.key_id.as_deref() == Some(kid))?,
        None => {
            let only = usable.next()?;
            usable.next().is_none().then_some(only)?
        }
    };
    DecodingKey::from_jwk(key).ok().filter(|key| key.family() == algorithm.family())
}

fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let is_public = match key.algorithm {
        AlgorithmParameters::RSA(_)
        | AlgorithmParameters::EllipticCurve(_)
        | AlgorithmParameters::OctetKeyPair(_) => true,
        // A shared secret in a public set is none.
        AlgorithmParameters::OctetKey(_) | AlgorithmParameters::Other(_) | _ => false,
    };
    let signs = key.common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
    let is_its = key.common.key_algorithm.is_none_or(|it| it == KeyAlgorithm::from(algorithm));
    is_public && signs && is_its
}

/// By the roots that Mozilla trusts. Nobody is followed elsewhere: keys are where the configuration says.
fn client() -> Result<Client, reqwest::Error> {
    Client::builder()
        .tls_backend_preconfigured(klout_outbound::tls())
        .no_proxy()
        .redirect(Policy::none())
        .timeout(READ_TIME_MAX)
        .user_agent(concat!("klout/", env!("CARGO_PKG_VERSION")))
        .build()
}
