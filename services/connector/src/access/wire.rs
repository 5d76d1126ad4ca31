//! The way to who gives access: a request and its answer, bounded, and no secret goes unencrypted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE},
};
use klout_chassis::Clock;
use klout_outbound::Outbound;
use reqwest::RequestBuilder;
use serde::Deserialize;
use url::Url;

use super::{
    kept::Secret,
    proof::{DPOP, ProofKey},
};
use crate::visit::ask::{Answered, Unasked};

/// In bytes: no document of who gives access is a tenth of it.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// Origins of which the nonce is known. Of others it is asked for.
const NONCES_MAX: usize = 1_024;

/// In bytes.
const NONCE_LENGTH_MAX: usize = 256;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Asks who gives access.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) outbound: Outbound,
    pub(crate) running: Clock,
    /// Whether secrets go over HTTP without TLS, too: for tests, and for networks of one's own.
    pub(crate) plain_allowed: bool,
    pub(crate) nonces: Nonces,
}

/// What each origin wants to see in proofs. Clones share it; nothing is lost with it but a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nonces(Arc<Mutex<HashMap<String, String>>>);

// === impl Wire ===

impl Wire {
    /// Whether a secret may be told to whoever is there.
    pub(crate) fn may_tell(&self, url: &Url) -> bool {
        url.scheme() == "https" || (self.plain_allowed && url.scheme() == "http")
    }

    /// Reads what everybody may.
    pub(crate) async fn get(&self, url: &Url) -> Result<Answered, Unasked> {
        let client = self.outbound.client();
        self.answered(client.get(url.clone()).header(ACCEPT, JSON)).await
    }

    /// Posts a form.
    pub(crate) async fn post_form(
        &self,
        url: &Url,
        form: &[(&str, String)],
    ) -> Result<Answered, Unasked> {
        self.send(&form_request(url, form)).await
    }

    /// Posts JSON.
    pub(crate) async fn post_json(
        &self,
        url: &Url,
        body: &serde_json::Value,
    ) -> Result<Answered, Unasked> {
        let mut request = Request::new(body.to_string().into_bytes());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri(url);
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        self.send(&request).await
    }

    /// Posts nothing, with a token.
    pub(crate) async fn post_bearer(&self, url: &Url, token: &Secret) -> Result<Answered, Unasked> {
        let mut request = Request::new(Vec::new());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri(url);
        if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", token.expose())) {
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        self.send(&request).await
    }

    /// Sends what has a secret in it.
    pub(crate) async fn send(&self, request: &Request<Vec<u8>>) -> Result<Answered, Unasked> {
        let url = url(request)?;
        if !self.may_tell(&url) {
            return Err(Unasked::Plain);
        }
        let builder = self.outbound.client().request(request.method().clone(), url);
        let builder = builder.headers(request.headers().clone()).body(request.body().clone());
        self.answered(builder).await
    }

    /// The same with a proof of `key`; once more where the nonce is another one by now.
    pub(crate) async fn send_proven(
        &self,
        mut request: Request<Vec<u8>>,
        key: &ProofKey,
    ) -> Result<Answered, Unasked> {
        let url = url(&request)?;
        let method = request.method().as_str().to_owned();
        let mut first = true;
        loop {
            let nonce = self.nonces.of(&url);
            let proof = key.proof(&method, &url, nonce.as_deref(), None, self.running.now());
            request.headers_mut().insert(DPOP, proof);
            let answered = self.send(&request).await?;
            if !(self.nonces.heard(&url, &answered) && first) {
                return Ok(answered);
            }
            first = false;
        }
    }

    async fn answered(&self, request: RequestBuilder) -> Result<Answered, Unasked> {
        let response = self.outbound.send(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = klout_outbound::read(response, ANSWER_BYTES_MAX).await?;
        Ok(Answered { status, headers, body })
    }
}

/// A form, to be posted.
pub(crate) fn form_request(url: &Url, form: &[(&str, String)]) -> Request<Vec<u8>> {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form);
    let mut request = Request::new(body.finish().into_bytes());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri(url);
    request.headers_mut().insert(CONTENT_TYPE, FORM);
    request.headers_mut().insert(ACCEPT, JSON);
    request
}

/// # Panics
///
/// When an address of HTTP is no URI, which every one is.
fn uri(url: &Url) -> http::Uri {
    url.as_str().parse().unwrap_or_default()
}

fn url(request: &Request<Vec<u8>>) -> Result<Url, Unasked> {
    Url::parse(&request.uri().to_string()).map_err(|_| Unasked::Private)
}

// === impl Nonces ===

impl Nonces {
    pub(crate) fn of(&self, url: &Url) -> Option<String> {
        let nonces = self.0.lock().expect("nobody panics while holding it");
        nonces.get(&url.origin().ascii_serialization()).cloned()
    }

    /// Notes which one is to be used next. Returns whether that was why nothing came of the request.
    pub(crate) fn heard(&self, url: &Url, answered: &Answered) -> bool {
        let nonce = answered.headers.get("dpop-nonce").and_then(|it| it.to_str().ok());
        let Some(nonce) = nonce.filter(|it| it.len() <= NONCE_LENGTH_MAX) else { return false };
        let mut nonces = self.0.lock().expect("nobody panics while holding it");
        if nonces.len() >= NONCES_MAX {
            nonces.clear();
        }
        nonces.insert(url.origin().ascii_serialization(), nonce.to_owned());
        drop(nonces);
        asks_for_nonce(answered)
    }
}

/// RFC 9449: who gives access says so in a 400, and who has the data in a 401.
fn asks_for_nonce(answered: &Answered) -> bool {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    const NAME: &str = "use_dpop_nonce";
    let header = answered.headers.get(WWW_AUTHENTICATE).and_then(|it| it.to_str().ok());
    let said = || serde_json::from_slice::<Refused>(&answered.body).ok();
    match answered.status {
        StatusCode::UNAUTHORIZED if header.is_some_and(|it| it.contains(NAME)) => true,
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => {
            said().is_some_and(|it| it.error == NAME)
        }
        _ => false,
    }
}
