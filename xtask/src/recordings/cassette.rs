//! Cassettes of VCR, as those who test clients of networks record them, in YAML and JSON.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

/// What was asked, and what was answered.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Answers by themselves: what their files are called, and what was asked.
const ALONE: [(&str, &str, &str); 3] = [
    ("bluesky", "resolve_handle", "com.atproto.identity.resolveHandle?handle=recorded.example"),
    (
        "bluesky",
        "thread_view_post_with_embed_media",
        "app.bsky.feed.getPostThread?uri=at://did:plc:recorded/app.bsky.feed.post/1",
    ),
    ("bluesky", "get_follows", "app.bsky.graph.getFollows?actor=recorded.example"),
];

#[derive(Deserialize)]
struct Cassette {
    #[serde(alias = "http_interactions")]
    interactions: Vec<Interaction>,
}

#[derive(Deserialize)]
struct Interaction {
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    uri: String,
}

#[derive(Deserialize)]
struct Response {
    status: Status,
    #[serde(default)]
    headers: BTreeMap<String, Values>,
    body: Option<Body>,
}

#[derive(Deserialize)]
struct Status {
    code: u16,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    Many(Vec<String>),
    One(String),
}

#[derive(Deserialize)]
struct Body {
    string: Option<String>,
    base64_string: Option<String>,
}

/// What a file holds.
///
/// # Errors
///
/// When it is no recording.
pub(super) fn exchanges(network: &str, file: &Path, bytes: &[u8]) -> Result<Vec<Exchange>> {
    let cassette: Cassette = if file.extension().is_some_and(|it| it == "json") {
        let value: serde_json::Value = serde_json::from_slice(bytes).context("not JSON")?;
        if value.get("http_interactions").is_none() {
            return Ok(vec![alone(network, file, bytes)]);
        }
        serde_json::from_value(value).context("no cassette")?
    } else {
        serde_yaml_ng::from_slice(bytes).context("no cassette")?
    };
    cassette.interactions.into_iter().map(Interaction::exchange).collect()
}

/// An answer by itself.
fn alone(network: &str, file: &Path, bytes: &[u8]) -> Exchange {
    let name = file.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let asked = ALONE.iter().find(|(of, called, _)| *of == network && *called == name);
    Exchange {
        method: "GET".to_owned(),
        // What is called otherwise is an answer to nothing that is known.
        url: asked
            .map(|(_, _, asked)| format!("https://recorded.example/xrpc/{asked}"))
            .unwrap_or_default(),
        status: 200,
        headers: HeaderMap::new(),
        body: bytes.to_vec(),
    }
}

// === impl Interaction ===

impl Interaction {
    fn exchange(self) -> Result<Exchange> {
        let Self { request, response } = self;
        let mut headers = HeaderMap::new();
        for (name, values) in response.headers {
            let values = match values {
                Values::Many(values) => values,
                Values::One(value) => vec![value],
            };
            let name: HeaderName = name.parse().context("a header has no name")?;
            for value in values {
                // Some were unfolded by whoever recorded them.
                let value = HeaderValue::from_str(&value).context("a header cannot be sent")?;
                headers.append(name.clone(), value);
            }
        }
        let body = response.body.map(Body::bytes).transpose()?.unwrap_or_default();
        let Request { method, uri: url } = request;
        Ok(Exchange { method, url, status: response.status.code, headers, body })
    }
}

// === impl Body ===

impl Body {
    fn bytes(self) -> Result<Vec<u8>> {
        match (self.string, self.base64_string) {
            (Some(text), _) => Ok(text.into_bytes()),
            (None, Some(text)) => {
                let text: String = text.split_ascii_whitespace().collect();
                STANDARD.decode(text).context("a body is not of base64")
            }
            (None, None) => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cassette_is_read_from_yaml_and_from_json() {
        let yaml = b"interactions:\n- request: {method: GET, uri: 'http://one.example/a', body: null}\n  response:\n    \
            status: {code: 200, message: OK}\n    headers: {link: ['<b>; rel=\"next\"'], x-count: '2'}\n    body: {string: '[]'}\n";
        let json = br#"{"http_interactions":[{"request":{"method":"get","uri":"http://one.example/a"},
            "response":{"status":{"code":200},"headers":{"Link":["<b>; rel=\"next\""]},"body":{"base64_string":"W1\n0=\n"}}}]}"#;
        let read = |name: &str, bytes: &[u8]| {
            let mut found = exchanges("github", Path::new(name), bytes).expect("a cassette");
            assert_eq!(found.len(), 1);
            found.remove(0)
        };
        for exchange in [read("a.yaml", yaml), read("a.json", json)] {
            assert_eq!((exchange.status, exchange.body.as_slice()), (200, b"[]".as_slice()));
            assert_eq!(exchange.headers["link"], "<b>; rel=\"next\"");
        }
        for broken in [b"interactions: 3".as_slice(), b"{", b"interactions:\n- request"] {
            assert!(exchanges("github", Path::new("a.yaml"), broken).is_err());
            assert!(exchanges("github", Path::new("a.json"), b"{").is_err());
        }
    }

    #[test]
    fn an_answer_by_itself_says_by_its_name_what_was_asked() {
        let found = |name: &str| {
            exchanges("bluesky", Path::new(name), b"{}").expect("an answer").remove(0).url
        };
        assert!(found("resolve_handle.json").contains("resolveHandle"));
        assert_eq!(found("other.json"), "");
    }
}
