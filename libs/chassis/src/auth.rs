//! Who calls.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use foldhash::fast::RandomState;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, HOST, ORIGIN},
    uri::Authority,
};
use klout_model::Purpose;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::{
    Clock,
    caller::{self, CALLER, Caller, PURPOSE},
    calls::{Calls, Share, Slot},
    refusal::Refusal,
    token::TokenKey,
};

/// Where a token may stand besides `authorization`. HTTP/2 sends it in full with the first call of a
/// connection and as a byte or two with the others, which it does not do for `authorization`.
pub(crate) const API_KEY: &str = "x-api-key";

/// Where a browser says whether a page of ours asks.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The tokens that are known to be valid: as many as there are callers in a busy minute.
const TOKENS_MAX: u64 = 10_000;

/// How long a token is known to be valid without being verified again.
const KNOWN_TIME_MAX: Duration = Duration::from_secs(60);

/// How the callers of a process are told apart, and how much room each has.
#[derive(Clone, Debug)]
pub struct Authentication {
    key: TokenKey,
    /// Whether a call without a token passes: `--dev`, on loopback only.
    open: bool,
    known: moka::sync::Cache<String, Arc<Known>, RandomState>,
    /// For whom our own services called lately, by what their headers say.
    passed_on: moka::sync::Cache<(HeaderValue, HeaderValue), Caller, RandomState>,
    /// Who needs no token.
    anyone: Identified,
    /// Our own services, where they need none.
    own: Identified,
    calls: Calls,
}

/// A token that was verified.
#[derive(Debug)]
struct Known {
    who: Identified,
    until: Instant,
}

/// Somebody who was told apart: a caller, and the room that is theirs. Kept by whoever knows their key.
#[derive(Clone, Debug)]
pub struct Identified {
    caller: Caller,
    share: Share,
}

/// A caller for whose call there is room until this is dropped.
#[derive(Debug)]
pub struct Admitted {
    pub caller: Caller,
    _slot: Slot,
}

// === impl Identified ===

impl Identified {
    #[must_use]
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }
}

// === impl Authentication ===

impl Authentication {
    /// `open`: who has no token may call. At most `calls_max` calls are answered at once, and of one caller
    /// `calls_per_caller_max`.
    #[must_use]
    pub fn new(key: TokenKey, open: bool, calls_max: usize, calls_per_caller_max: usize) -> Self {
        let calls = Calls::new(calls_max, calls_per_caller_max);
        let anyone = Identified { caller: Caller::anyone(), share: calls.share("", false) };
        let own = Identified { caller: Caller::own(), share: calls.share("", true) };
        let known = moka::sync::Cache::builder().max_capacity(TOKENS_MAX);
        let known = known.build_with_hasher(RandomState::default());
        let passed_on = moka::sync::Cache::builder().max_capacity(TOKENS_MAX);
        let passed_on = passed_on.build_with_hasher(RandomState::default());
        Self { key, open, known, passed_on, anyone, own, calls }
    }

    /// Lets a call in: verifies `Authorization: Bearer TOKEN` or `x-api-key: TOKEN`, and finds room. A service of ours
    /// may call for somebody else; the room is its own.
    ///
    /// # Errors
    ///
    /// UNAUTHENTICATED, with reason TOKEN_MISSING or TOKEN_INVALID; PERMISSION_DENIED, PURPOSE_REFUSED; UNAVAILABLE,
    /// OVERLOADED; RESOURCE_EXHAUSTED, CALLS_TOO_MANY.
    pub fn admit(&self, headers: &HeaderMap) -> Result<Admitted, Status> {
        let Some(token) = shown_token(headers) else {
            return if is_of_foreign_page(headers) { Err(missing()) } else { self.admit_anyone() };
        };
        let known = self.verified(token)?;
        let caller = match known.who.caller.purpose() {
            Purpose::Internal => self.passed_on(headers)?,
            Purpose::Operator
            | Purpose::Show
            | Purpose::Crm
            | Purpose::Perks
            | Purpose::Research => None,
        };
        let admitted = self.admit_identified(&known.who)?;
        Ok(Admitted { caller: caller.unwrap_or(admitted.caller), ..admitted })
    }

    /// Lets a call in that shows a token elsewhere than in its headers, for nobody else.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    pub fn admit_token(&self, token: &str) -> Result<Admitted, Status> {
        self.admit_identified(&self.verified(token)?.who)
    }

    /// Lets a call in that shows nothing, if such calls pass.
    ///
    /// # Errors
    ///
    /// UNAUTHENTICATED, TOKEN_MISSING; and for want of room, as [`admit`](Self::admit).
    pub fn admit_anyone(&self) -> Result<Admitted, Status> {
        if self.open { self.admit_identified(&self.anyone) } else { Err(missing()) }
    }

    /// Lets a call in that a service makes in its own process, for somebody else or for itself.
    ///
    /// # Errors
    ///
    /// UNAVAILABLE, OVERLOADED.
    pub(crate) fn admit_own(&self, caller: Option<&Caller>) -> Result<Admitted, Status> {
        let admitted = self.admit_identified(&self.own)?;
        let caller = caller.filter(|caller| caller.purpose() != Purpose::Internal);
        Ok(Admitted { caller: caller.cloned().unwrap_or(admitted.caller), ..admitted })
    }

    /// Lets in whom somebody else told apart: finds room.
    ///
    /// # Errors
    ///
    /// UNAVAILABLE, OVERLOADED; RESOURCE_EXHAUSTED, CALLS_TOO_MANY.
    pub fn admit_identified(&self, who: &Identified) -> Result<Admitted, Status> {
        Ok(Admitted { caller: who.caller.clone(), _slot: self.calls.take(&who.share)? })
    }

    /// Somebody whose key is known elsewhere. Who is named alike by `room` shares room, which no service token has a
    /// part in.
    #[must_use]
    pub fn identified(&self, caller: Caller, room: &str) -> Identified {
        // No token is for a name that begins so: it would not be printable.
        let share = self.calls.share(&format!("\u{0}{room}"), false);
        Identified { caller, share }
    }

    /// Verifies a token, for whoever needs no room.
    ///
    /// # Errors
    ///
    /// UNAUTHENTICATED, with reason TOKEN_MISSING or TOKEN_INVALID; PERMISSION_DENIED, PURPOSE_REFUSED.
    pub(crate) fn verify(&self, headers: &HeaderMap) -> Result<(), Status> {
        match shown_token(headers) {
            Some(token) => self.verified(token).map(|_| ()),
            None if self.open && !is_of_foreign_page(headers) => Ok(()),
            None => Err(missing()),
        }
    }

    /// For whom a service of ours calls; `None`: for itself. What was read once is known by the headers alone.
    fn passed_on(&self, headers: &HeaderMap) -> Result<Option<Caller>, Status> {
        let (name, purpose) = (headers.get(CALLER), headers.get(PURPOSE));
        let key = match (name, purpose) {
            (Some(name), Some(purpose)) => (name.clone(), purpose.clone()),
            (None, None) => return Ok(None),
            (Some(_), None) | (None, Some(_)) => {
                return Caller::of_headers(headers).transpose().map_err(caller::refused);
            }
        };
        if let Some(caller) = self.passed_on.get(&key) {
            return Ok(Some(caller));
        }
        let caller = Caller::of_headers(headers).transpose().map_err(caller::refused)?;
        if let Some(caller) = &caller {
            // Copied: a value may keep all that came with it in memory.
            let copy = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes());
            if let (Ok(name), Ok(purpose)) = (copy(&key.0), copy(&key.1)) {
                self.passed_on.insert((name, purpose), caller.clone());
            }
        }
        Ok(caller)
    }

    fn verified(&self, token: &str) -> Result<Arc<Known>, Status> {
        let now = Instant::now();
        if let Some(known) = self.known.get(token).filter(|known| now < known.until) {
            return Ok(known);
        }
        let claims = self.key.verify(token).map_err(|error| {
            Refusal::new(Code::Unauthenticated, "TOKEN_INVALID").into_status(error)
        })?;
        let left = claims.exp.saturating_sub(Clock::running().now().unix_timestamp());
        // One that expires while it is known is verified again, which tells.
        let left = Duration::from_secs(u64::try_from(left).unwrap_or(0));
        let caller = Caller::new(&claims.sub, &claims.purpose).map_err(caller::refused)?;
        let share = self.calls.share(&claims.sub, caller.purpose() == Purpose::Internal);
        let who = Identified { caller, share };
        let known = Arc::new(Known { who, until: now + left.min(KNOWN_TIME_MAX) });
        self.known.insert(token.to_owned(), Arc::clone(&known));
        Ok(known)
    }
}

/// Refuses calls without a valid token, of what is not behind the layers.
pub(crate) async fn authenticate(
    State(authentication): State<Authentication>,
    request: Request,
    next: Next,
) -> Response {
    match authentication.verify(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(status) => status.into_http(),
    }
}

/// Whether a browser asks for a page that is not ours: of another origin, or of a name that leads here only so that it
/// looks like ours (DNS rebinding). Who opened the door to everybody on this machine did not mean what they browse.
fn is_of_foreign_page(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|it| it.to_str().unwrap_or_default());
    let host = text(HOST);
    let is_ours = |origin: &str| {
        let asked = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        asked.is_some() && asked == host
    };
    let elsewhere = |site: &str| !matches!(site, "same-origin" | "none");
    host.is_some_and(|host| !is_loopback(host))
        || text(ORIGIN).is_some_and(|origin| !is_ours(origin))
        || text(SEC_FETCH_SITE).is_some_and(elsewhere)
}

/// Whether a host, with its port or without, is a name of this machine to itself.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name == "localhost"
        || name.ends_with(".localhost")
        || address.is_ok_and(|address| address.is_loopback())
}

fn missing() -> Status {
    Refusal::new(Code::Unauthenticated, "TOKEN_MISSING")
        .into_plain_status("a token is needed: `authorization: Bearer TOKEN` or `x-api-key: TOKEN`")
}

/// The key or token that a call shows: `Authorization: Bearer TOKEN`, else `x-api-key: TOKEN`.
#[must_use]
pub fn shown_token(headers: &HeaderMap) -> Option<&str> {
    let bearer =
        headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
    bearer.or_else(|| headers.get(API_KEY)?.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_shows_nothing_is_let_in_for_no_foreign_page_also_where_nobody_needs_a_token() {
        let key = TokenKey::new(b"a secret that nobody else knows of");
        let open = Authentication::new(key, true, 10, 10);
        let let_in = |shown: &[(&'static str, &'static str)]| {
            let pairs = shown.iter().map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            });
            let headers: HeaderMap = pairs.collect();
            assert_eq!(open.admit(&headers).is_ok(), open.verify(&headers).is_ok(), "{shown:?}");
            open.admit(&headers).is_ok()
        };
        for host in ["127.0.0.1:8080", "localhost", "[::1]:8080", "klout.localhost:1"] {
            assert!(let_in(&[("host", host)]), "{host}");
        }
        assert!(let_in(&[]), "HTTP/2");
        let ours = [("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")];
        assert!(let_in(&[&ours[..], &[("sec-fetch-site", "same-origin")]].concat()));
        assert!(let_in(&[("host", "localhost:8080"), ("sec-fetch-site", "none")]));

        for host in ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "8.8.8.8", ""] {
            assert!(!let_in(&[("host", host)]), "{host}");
        }
        for origin in ["https://evil.example", "null", "http://127.0.0.1:3000", "127.0.0.1:8080"] {
            assert!(!let_in(&[("host", "127.0.0.1:8080"), ("origin", origin)]), "{origin}");
        }
        assert!(!let_in(&[("origin", "http://127.0.0.1:8080")]), "to whom, is not said");
        for site in ["cross-site", "same-site"] {
            assert!(!let_in(&[("host", "127.0.0.1:8080"), ("sec-fetch-site", site)]), "{site}");
        }
    }
}
