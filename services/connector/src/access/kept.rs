//! Access, as it is kept. Pure.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use klout_networks::sign_in::Session;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use url::Url;

/// Something that nobody is to see. It is written only into what is sealed.
#[derive(Clone, Debug)]
pub(crate) struct Secret(SecretString);

/// Access, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Kept {
    /// What the person made on the network, and is not renewed.
    Token { token: Secret },
    /// What an app password gave.
    Session { access: Secret, refresh: Secret },
    /// What OAuth gave.
    Grant(Grant),
}

/// What OAuth gave, and all it takes to renew it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) access: Secret,
    pub(crate) refresh: Option<Secret>,
    pub(crate) token_endpoint: Url,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Secret>,
    /// The key that it is bound to, where it is.
    pub(crate) proof_key: Option<Secret>,
}

/// Access that was just given.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) kept: Kept,
    pub(crate) expire_time: Option<OffsetDateTime>,
}

// === impl Secret ===

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

// === impl Kept ===

impl Kept {
    /// # Panics
    ///
    /// When it cannot be written as JSON, which texts can.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts can be written as JSON")
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

// === impl Fresh ===

impl Fresh {
    pub(crate) fn of_session(session: Session) -> Self {
        let Session { access_jwt, refresh_jwt, .. } = session;
        let expire_time = expiry(&access_jwt);
        let (access, refresh) = (Secret::new(access_jwt), Secret::new(refresh_jwt));
        Self { kept: Kept::Session { access, refresh }, expire_time }
    }
}

/// What a token says of its end. It is not verified: who made it does that, and a token that says nothing is used until it
/// is refused.
fn expiry(token: &str) -> Option<OffsetDateTime> {
    #[derive(Deserialize)]
    struct Claims {
        exp: i64,
    }
    let claims = token.split('.').nth(1)?;
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    OffsetDateTime::from_unix_timestamp(claims.exp).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_never_printed() {
        let grant = Grant {
            access: Secret::new("hidden-access"),
            refresh: Some(Secret::new("hidden-refresh")),
            token_endpoint: Url::parse("https://one.example/token").expect("an address"),
            client_id: "klout".to_owned(),
            client_secret: None,
            proof_key: Some(Secret::new("hidden-key")),
        };
        let kept = Kept::Grant(grant);
        let again = Kept::parse(&kept.to_bytes()).expect("it is read");
        assert_eq!(again.to_bytes(), kept.to_bytes());
        assert!(!format!("{kept:?}").contains("hidden"), "{kept:?}");
    }

    #[test]
    fn the_end_of_a_token_is_known_where_it_says_so() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1795694460}"#);
        assert_eq!(
            expiry(&format!("x.{claims}.y")).map(|it| it.unix_timestamp()),
            Some(1_795_694_460)
        );
        for other in ["", "opaque", "a.b.c", "..", &format!("x.{}.y", URL_SAFE_NO_PAD.encode("{}"))]
        {
            assert_eq!(expiry(other), None, "{other}");
        }
    }
}
