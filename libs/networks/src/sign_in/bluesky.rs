//! Bluesky: who gives access hangs on the account, and is found by its identity.
//!
//! An account is a DID. Its document names the server that has its data (PDS), which names whom it trusts to sign people
//! in, who says in a document of its own where to ask. Each is checked against whoever named it, so that nobody can say
//! to be somebody else's server: the document is about that DID and names the handle, and who gives access calls
//! themselves what the server called them.

use serde::Deserialize;
use url::Url;

use super::{Application, Door, Endpoints, SignIn, trouble};
use crate::{Answer, Ask, Server, Trouble};

/// An account's identity, and to read what its app shows.
const SCOPE: &str = "atproto transition:generic";

#[derive(Debug)]
pub(super) struct Bluesky;

/// Access by an app password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub did: String,
    pub handle: String,
    pub access_jwt: String,
    pub refresh_jwt: String,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("did", &self.did).finish_non_exhaustive()
    }
}

impl SignIn for Bluesky {
    fn door(&self) -> Door {
        Door::Identity
    }

    fn application(&self) -> Application {
        Application::Document
    }

    fn scope(&self) -> &'static str {
        SCOPE
    }

    fn endpoints(&self, _server: &Url) -> Option<Endpoints> {
        None
    }

    fn whoami(&self, own: &Url) -> Ask {
        Ask::get(Server::Own, xrpc(own, "com.atproto.server.getSession"))
    }

    fn read_whoami(&self, _named: Option<&str>, answer: &Answer<'_>) -> Result<String, Trouble> {
        #[derive(Deserialize)]
        struct Known {
            handle: String,
        }
        if !answer.is_success() {
            return Err(trouble(answer, "whose access it is"));
        }
        answer.json::<Known>("whose access it is").map(|known| known.handle)
    }
}

/// Where the document of a DID is. `directory` has those of `did:plc`.
#[must_use]
pub fn document_address(did: &str, directory: &Url) -> Option<Url> {
    match did.strip_prefix("did:").and_then(|it| it.split_once(':'))? {
        ("plc", id) => {
            let there = !id.is_empty() && id.bytes().all(|it| it.is_ascii_alphanumeric());
            there.then(|| directory.join(&format!("/{did}")).ok()).flatten()
        }
        ("web", host) => {
            let may = |it: u8| it.is_ascii_alphanumeric() || it == b'.' || it == b'-';
            let there = !host.is_empty() && host.bytes().all(may);
            there
                .then(|| Url::parse(&format!("https://{host}/.well-known/did.json")).ok())
                .flatten()
        }
        _ => None,
    }
}

/// The server that has the data of an account, of its document.
///
/// # Errors
///
/// When it is no document of that account.
pub fn read_document(did: &str, handle: &str, answer: &Answer<'_>) -> Result<Url, Trouble> {
    const WHAT: &str = "the document of the account";
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document {
        id: String,
        #[serde(default)]
        also_known_as: Vec<String>,
        #[serde(default)]
        service: Vec<Service>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Service {
        id: String,
        #[serde(rename = "type")]
        kind: String,
        service_endpoint: serde_json::Value,
    }
    if !answer.is_success() {
        return Err(trouble(answer, WHAT));
    }
    let document: Document = answer.json(WHAT)?;
    if document.id != did {
        return Err(malformed(WHAT, "it is about another account"));
    }
    let known = |name: &String| {
        name.strip_prefix("at://").is_some_and(|name| name.eq_ignore_ascii_case(handle))
    };
    if !document.also_known_as.iter().any(known) {
        return Err(malformed(WHAT, "it does not know the handle"));
    }
    let server = document
        .service
        .into_iter()
        .find(|it| it.id.ends_with("#atproto_pds") && it.kind == "AtprotoPersonalDataServer");
    let server = server.ok_or_else(|| malformed(WHAT, "it names no server"))?;
    server
        .service_endpoint
        .as_str()
        .and_then(|it| Url::parse(it).ok())
        .filter(Url::has_host)
        .ok_or_else(|| malformed(WHAT, "its server has no address"))
}

/// Where a server says whom it trusts to sign people in. RFC 9728.
#[must_use]
pub fn resource_address(server: &Url) -> Option<Url> {
    server.join("/.well-known/oauth-protected-resource").ok()
}

/// Whom it trusts.
///
/// # Errors
///
/// When it does not say so.
pub fn read_resource(server: &Url, answer: &Answer<'_>) -> Result<Url, Trouble> {
    const WHAT: &str = "whom the account's server trusts";
    #[derive(Deserialize)]
    struct Resource {
        resource: Url,
        authorization_servers: Vec<Url>,
    }
    if !answer.is_success() {
        let trouble = trouble(answer, WHAT);
        let absent = matches!(trouble, Trouble::AccountGone);
        return Err(if absent { malformed(WHAT, "it does not say") } else { trouble });
    }
    let Resource { resource, mut authorization_servers } = answer.json(WHAT)?;
    if resource.origin() != server.origin() {
        return Err(malformed(WHAT, "it speaks of another server"));
    }
    if authorization_servers.len() != 1 {
        return Err(malformed(WHAT, "it does not name one"));
    }
    Ok(authorization_servers.remove(0))
}

/// Where who gives access says where to ask. RFC 8414.
#[must_use]
pub fn metadata_address(issuer: &Url) -> Option<Url> {
    issuer.join("/.well-known/oauth-authorization-server").ok()
}

/// Where to ask.
///
/// # Errors
///
/// When they call themselves otherwise than they were called, send us to somebody else, or cannot do what we ask for.
pub fn read_metadata(issuer: &Url, answer: &Answer<'_>) -> Result<Endpoints, Trouble> {
    const WHAT: &str = "what the server that gives access says of itself";
    #[derive(Deserialize)]
    struct Metadata {
        issuer: String,
        authorization_endpoint: Url,
        token_endpoint: Url,
        pushed_authorization_request_endpoint: Option<Url>,
        #[serde(default)]
        code_challenge_methods_supported: Vec<String>,
        #[serde(default)]
        dpop_signing_alg_values_supported: Vec<String>,
    }
    if !answer.is_success() {
        let trouble = trouble(answer, WHAT);
        let absent = matches!(trouble, Trouble::AccountGone);
        return Err(if absent { malformed(WHAT, "it says nothing") } else { trouble });
    }
    let it: Metadata = answer.json(WHAT)?;
    let same = Url::parse(&it.issuer).is_ok_and(|named| named.as_str() == issuer.as_str());
    if !same {
        return Err(malformed(WHAT, "it calls itself otherwise than it is called"));
    }
    let pushed = it.pushed_authorization_request_endpoint;
    let all = [Some(&it.authorization_endpoint), Some(&it.token_endpoint), pushed.as_ref()];
    if all.into_iter().flatten().any(|url| url.origin() != issuer.origin()) {
        return Err(malformed(WHAT, "it sends us to somebody else"));
    }
    if !it.code_challenge_methods_supported.iter().any(|method| method == "S256") {
        return Err(malformed(WHAT, "it does not take PKCE with S256"));
    }
    let proven = !it.dpop_signing_alg_values_supported.is_empty();
    if proven && !it.dpop_signing_alg_values_supported.iter().any(|name| name == "ES256") {
        return Err(malformed(WHAT, "it does not take proofs by ES256"));
    }
    Ok(Endpoints {
        issuer: Some(it.issuer),
        authorization: it.authorization_endpoint,
        token: it.token_endpoint,
        pushed,
        proven,
    })
}

/// Where an app password gives access.
#[must_use]
pub fn create_session_address(server: &Url) -> Url {
    xrpc(server, "com.atproto.server.createSession")
}

/// Where access is renewed that an app password gave.
#[must_use]
pub fn refresh_session_address(server: &Url) -> Url {
    xrpc(server, "com.atproto.server.refreshSession")
}

/// The access that an app password gave.
///
/// # Errors
///
/// [`Trouble::AccessRefused`] when it gave none.
pub fn read_session(answer: &Answer<'_>) -> Result<Session, Trouble> {
    const WHAT: &str = "a session";
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Refused {
        error: String,
    }
    if answer.is_success() {
        // What is wrong with it is not told: it may hold half of a token.
        return serde_json::from_slice(answer.body).map_err(|_| malformed(WHAT, "it is none"));
    }
    // A 400 alone says nothing.
    let refused: Refused = answer.json(WHAT).unwrap_or_default();
    let message = match refused.error.as_str() {
        "AuthenticationRequired" => "it does not take this app password for this account",
        "AuthFactorTokenRequired" => "it asks for a code sent by mail: make an app password",
        "AccountTakedown" => "it has taken the account down",
        "AccountDeactivated" => "the account is deactivated",
        "ExpiredToken" | "InvalidToken" => "the access has run out",
        _ => return Err(trouble(answer, WHAT)),
    };
    Err(Trouble::AccessRefused { message: message.to_owned() })
}

fn xrpc(server: &Url, method: &str) -> Url {
    let mut url = server.clone();
    url.set_path(&format!("/xrpc/{method}"));
    url.set_query(None);
    url
}

fn malformed(what: &'static str, problem: &str) -> Trouble {
    Trouble::Malformed { what, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use proptest::prelude::*;

    use super::*;

    const DID: &str = "did:plc:fgye7xk2a";

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    fn answered<T>(status: u16, body: &str, read: impl FnOnce(&Answer<'_>) -> T) -> T {
        let headers = HeaderMap::new();
        read(&Answer { status, headers: &headers, body: body.as_bytes() })
    }

    fn document(id: &str, name: &str) -> String {
        serde_json::json!({
            "id": id,
            "alsoKnownAs": [format!("at://{name}")],
            "service": [{
                "id": "#atproto_pds",
                "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": "https://pds.example",
            }],
        })
        .to_string()
    }

    #[test]
    fn the_server_of_an_account_is_what_its_own_document_says() {
        let read = |body: &str| answered(200, body, |it| read_document(DID, "Ann.example", it));
        let found = read(&document(DID, "ann.example")).expect("a server");
        assert_eq!(found, url("https://pds.example"));
        for other in [document("did:plc:other", "ann.example"), document(DID, "ben.example")] {
            assert!(matches!(read(&other), Err(Trouble::Malformed { .. })), "{other}");
        }
        let gone = answered(404, "{}", |it| read_document(DID, "ann.example", it));
        assert!(matches!(gone, Err(Trouble::AccountGone)));
    }

    #[test]
    fn no_did_leads_to_an_address_that_it_does_not_name() {
        let directory = url("https://plc.example");
        let at = |did: &str| document_address(did, &directory).map(String::from);
        assert_eq!(at(DID).as_deref(), Some("https://plc.example/did:plc:fgye7xk2a"));
        assert_eq!(
            at("did:web:ann.example").as_deref(),
            Some("https://ann.example/.well-known/did.json")
        );
        for bad in ["", "did:plc:", "did:plc:a/../b", "did:web:a@b", "did:web:a/b", "did:key:z"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn who_gives_access_is_who_was_named_and_sends_us_nowhere_else() {
        let issuer = url("https://one.example");
        let metadata = |issuer: &str, token: &str, methods: &[&str]| {
            serde_json::json!({
                "issuer": issuer,
                "authorization_endpoint": "https://one.example/authorize",
                "token_endpoint": token,
                "pushed_authorization_request_endpoint": "https://one.example/par",
                "code_challenge_methods_supported": methods,
                "dpop_signing_alg_values_supported": ["ES256"],
            })
            .to_string()
        };
        let read = |body: &str| answered(200, body, |it| read_metadata(&issuer, it));
        let token = "https://one.example/token";
        let found = read(&metadata("https://one.example", token, &["S256"])).expect("endpoints");
        assert!(found.proven && found.pushed.is_some());
        for bad in [
            metadata("https://two.example", token, &["S256"]),
            metadata("https://one.example", "https://two.example/token", &["S256"]),
            metadata("https://one.example", token, &["plain"]),
        ] {
            assert!(matches!(read(&bad), Err(Trouble::Malformed { .. })), "{bad}");
        }
    }

    #[test]
    fn a_password_that_is_refused_is_told_from_a_server_that_fails() {
        let read = |status, body: &str| answered(status, body, read_session).expect_err("none");
        let refused = [
            (
                401,
                r#"{"error":"AuthenticationRequired","message":"Invalid identifier or password"}"#,
            ),
            (400, r#"{"error":"ExpiredToken","message":"Token has expired"}"#),
        ];
        for (status, body) in refused {
            assert!(matches!(read(status, body), Trouble::AccessRefused { .. }), "{body}");
        }
        assert!(matches!(read(502, "<html>"), Trouble::Unavailable { status: 502 }));
        assert!(matches!(read(429, "{}"), Trouble::RateLimited { .. }));
        assert!(matches!(read(400, "{}"), Trouble::Malformed { .. }));
    }

    proptest! {
        #[test]
        fn nothing_that_is_answered_makes_us_panic(status in 100_u16..600, body in "\\PC{0,200}") {
            let server = url("https://pds.example");
            answered(status, &body, |it| {
                let _ = read_document(DID, "ann.example", it);
                let _ = read_resource(&server, it);
                let _ = read_metadata(&server, it);
                let _ = read_session(it);
                let _ = super::super::read_registration(it);
            });
        }
    }
}
