//! Tokens that somebody else signs: a customer's or an employer's identity provider.
//!
//! A token is believed when its issuer is configured, it is meant for us (its audience), it has not expired, and it is signed
//! with a public key of that issuer, by an algorithm that the configuration allows. What it may do follows from the
//! configuration and from its claims. It is valid at the gateway alone, as are keys of customers.

mod claims;
mod key_set;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::join_all;
use jsonwebtoken::{Validation, dangerous::insecure_decode_claims, decode, decode_header};
use klout_chassis::{Authentication, Caller, Clock, Identified};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::key_set::KeySet;
pub(crate) use self::key_set::check_source;
use crate::{
    access::Scopes,
    config::{IssuerConfig, KeyDefaults},
    error::Error,
};

/// How much two clocks may differ, in seconds.
const LEEWAY_SECONDS: u64 = 30;

/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Tokens that are known to be valid: as many as there are callers in a busy minute.
const TOKENS_MAX: u64 = 10_000;

/// How long a token is known to be valid without being verified again.
const KNOWN_TIME_MAX: Duration = Duration::from_secs(60);

/// Clones share what is known.
#[derive(Clone, Debug)]
pub(crate) struct Issuers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    authentication: Authentication,
    issuers: Vec<Issuer>,
    known: moka::sync::Cache<String, Arc<Bearer>>,
}

#[derive(Debug)]
struct Issuer {
    name: String,
    config: IssuerConfig,
    calls_per_second: i64,
    calls_per_day: i64,
    keys: KeySet,
}

/// Whoever showed a token that was verified.
#[derive(Debug)]
pub(crate) struct Bearer {
    pub(crate) scopes: Scopes,
    /// Calls a second, over all gateways; 0: no limit.
    pub(crate) calls_per_second: i64,
    /// Calls a UTC day, over all gateways; 0: no limit.
    pub(crate) calls_per_day: i64,
    /// The issuer, and whom it names: who calls.
    pub(crate) name: String,
    pub(crate) who: Identified,
    until: Instant,
}

/// What is read of a token before it is believed: whose it says it is.
#[derive(Deserialize)]
struct Unverified {
    iss: String,
}

/// Why a token of an issuer is not believed. The caller is told that it is not valid, and this.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenRefused {
    #[error("it cannot be read, is changed, has expired, or is not meant for us")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    #[error("its algorithm is not one that its issuer may use")]
    Algorithm,
    #[error("it names no key of its issuer")]
    KeyUnknown,
    #[error("its claim `{0}` is missing, or is no text of 1 to 128 bytes")]
    Claim(String),
    #[error("it is for operators, which nobody else's token makes anybody")]
    Purpose,
}

// === impl Issuers ===

impl Issuers {
    /// # Errors
    ///
    /// When there is no TLS to be had.
    pub(crate) fn new(
        configured: BTreeMap<String, IssuerConfig>,
        defaults: &KeyDefaults,
        authentication: Authentication,
    ) -> Result<Self, reqwest::Error> {
        let issuers = configured.into_iter().map(|(name, config)| {
            let keys = KeySet::new(&name, &config.keys)?;
            let calls_per_second = config.calls_per_second.unwrap_or(defaults.calls_per_second);
            let calls_per_day = config.calls_per_day.unwrap_or(defaults.calls_per_day);
            Ok(Issuer { name, config, calls_per_second, calls_per_day, keys })
        });
        let issuers = issuers.collect::<Result<_, reqwest::Error>>()?;
        let known = moka::sync::Cache::builder().max_capacity(TOKENS_MAX);
        let known = known.time_to_live(KNOWN_TIME_MAX).build();
        Ok(Self(Arc::new(Inner { authentication, issuers, known })))
    }

    /// Whose token that is; `None`: of no issuer that is configured.
    pub(crate) async fn who(&self, token: &str) -> Result<Option<Arc<Bearer>>, Error> {
        if self.0.issuers.is_empty() || token.len() > TOKEN_BYTES_MAX {
            return Ok(None);
        }
        if let Some(known) = self.who_at_once(token) {
            return Ok(Some(known));
        }
        let Ok(Unverified { iss }) = insecure_decode_claims(token) else { return Ok(None) };
        let Some(issuer) = self.0.issuers.iter().find(|it| it.config.issuer == iss) else {
            return Ok(None);
        };
        let claims = issuer.verify(token).await?;
        let bearer = Arc::new(self.bearer(issuer, &claims)?);
        self.0.known.insert(token.to_owned(), Arc::clone(&bearer));
        Ok(Some(bearer))
    }

    /// The same of a token that was verified a moment ago. `None`: ask.
    pub(crate) fn who_at_once(&self, token: &str) -> Option<Arc<Bearer>> {
        if self.0.issuers.is_empty() {
            return None;
        }
        self.0.known.get(token).filter(|known| Instant::now() < known.until)
    }

    /// Keeps the keys of all issuers up to date until `stop` is cancelled.
    pub(crate) async fn keep(&self, stop: &CancellationToken) {
        join_all(self.0.issuers.iter().map(|issuer| issuer.keys.keep(stop))).await;
    }

    fn bearer(&self, issuer: &Issuer, claims: &Map<String, Value>) -> Result<Bearer, Error> {
        let name = format!("{}/{}", issuer.name, claims::caller(&issuer.config, claims)?);
        let purpose = claims::purpose(&issuer.config, claims)?;
        let caller = Caller::new(&name, purpose).map_err(Error::PurposeRefused)?;
        if !claims::may_be_shown(caller.purpose()) {
            return Err(TokenRefused::Purpose.into());
        }
        let now = Clock::running().now().unix_timestamp();
        let left = claims.get("exp").and_then(Value::as_i64).unwrap_or(now).saturating_sub(now);
        // One that expires while it is known is verified again, which tells.
        let left = Duration::from_secs(u64::try_from(left).unwrap_or(0));
        Ok(Bearer {
            scopes: claims::scopes(&issuer.config, claims)?,
            calls_per_second: issuer.calls_per_second,
            calls_per_day: issuer.calls_per_day,
            who: self.0.authentication.identified(caller, &name),
            name,
            until: Instant::now() + left.min(KNOWN_TIME_MAX),
        })
    }
}

// === impl Issuer ===

impl Issuer {
    async fn verify(&self, token: &str) -> Result<Map<String, Value>, Error> {
        let refused = |error: jsonwebtoken::errors::Error| Error::from(TokenRefused::from(error));
        let header = decode_header(token).map_err(refused)?;
        // What the token says of itself decides nothing that the configuration does not allow: neither `none`, which
        // cannot even be read, nor one with a shared secret, for which a public key might be taken.
        let algorithm = self.config.algorithms.iter().find(|it| it.algorithm() == header.alg);
        let algorithm = algorithm.ok_or(TokenRefused::Algorithm)?.algorithm();
        let key = self.keys.find(header.kid.as_deref(), algorithm).await?;
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&[&self.config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        let decoded = decode::<Map<String, Value>>(token, &key, &validation).map_err(refused)?;
        Ok(decoded.claims)
    }
}
