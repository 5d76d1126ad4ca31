//! Service tokens: who calls, and what for. Verified in memory.

use std::{fmt, sync::Arc};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// Both the issuer and the audience of every token, and both are checked.
const KLOUT: &str = "klout";

/// How much two clocks may differ, in seconds.
const LEEWAY_SECONDS: u64 = 30;

/// What a token says: RFC 7519 claims, and the purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// Who calls: the name that the token was made for.
    pub sub: String,
    /// Why it calls, in its own words, which [`klout_model::Purpose`] understands.
    pub purpose: String,
    /// Seconds since 1970, as are the other times.
    pub iat: i64,
    pub exp: i64,
    /// Names this token alone.
    pub jti: Uuid,
}

/// Signs tokens and verifies them (HS256).
#[derive(Clone)]
pub struct TokenKey(Arc<Keys>);

struct Keys {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the token is not valid")]
    Invalid(#[source] jsonwebtoken::errors::Error),
    #[error("the token cannot be made")]
    Mint(#[source] jsonwebtoken::errors::Error),
}

// === impl TokenKey ===

impl TokenKey {
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[KLOUT]);
        validation.set_audience(&[KLOUT]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = LEEWAY_SECONDS;
        Self(Arc::new(Keys {
            signing: EncodingKey::from_secret(secret),
            verifying: DecodingKey::from_secret(secret),
            validation,
        }))
    }

    /// A token for `name` that is valid from `now` for `time_to_live`.
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn mint(
        &self,
        name: &str,
        purpose: &str,
        now: OffsetDateTime,
        time_to_live: Duration,
    ) -> Result<String, TokenError> {
        let claims = Claims {
            iss: KLOUT.to_owned(),
            aud: KLOUT.to_owned(),
            sub: name.to_owned(),
            purpose: purpose.to_owned(),
            iat: now.unix_timestamp(),
            exp: now.saturating_add(time_to_live).unix_timestamp(),
            jti: Uuid::new_v4(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.0.signing).map_err(TokenError::Mint)
    }

    /// What a valid token says.
    ///
    /// # Errors
    ///
    /// When it is not one of ours, was changed, or has expired.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        decode::<Claims>(token, &self.0.verifying, &self.0.validation)
            .map(|data| data.claims)
            .map_err(TokenError::Invalid)
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    fn token(key: &TokenKey, age: Duration, time_to_live: Duration) -> String {
        let now = Clock::running().now() - age;
        key.mint("desk", "check-in", now, time_to_live).expect("a token")
    }

    #[test]
    fn a_token_says_who_calls_and_what_for() {
        let key = TokenKey::new(&[7; 32]);
        let claims = key.verify(&token(&key, Duration::ZERO, Duration::hours(1))).expect("valid");
        assert_eq!((claims.sub.as_str(), claims.purpose.as_str()), ("desk", "check-in"));
    }

    #[test]
    fn a_token_of_another_key_or_of_yesterday_is_refused() {
        let key = TokenKey::new(&[7; 32]);
        let other = TokenKey::new(&[8; 32]);
        assert!(key.verify(&token(&other, Duration::ZERO, Duration::hours(1))).is_err());
        assert!(key.verify(&token(&key, Duration::days(1), Duration::hours(1))).is_err());
        assert!(key.verify("not a token").is_err());
    }

    #[test]
    fn a_token_that_is_signed_by_nobody_is_refused() {
        // {"alg":"none"} with claims that would otherwise do.
        let key = TokenKey::new(&[7; 32]);
        let good = token(&key, Duration::ZERO, Duration::hours(1));
        let claims = good.split('.').nth(1).expect("claims");
        assert!(key.verify(&format!("eyJhbGciOiJub25lIn0.{claims}.")).is_err());
    }
}
