//! Passes that guests hold: a signed text that says what somebody's score is, for some minutes.
//!
//! Signed with Ed25519, so that whoever has the public keys verifies passes without us. The newest key signs; passes of
//! the one before are good until they expire, so a secret can be replaced while passes are about.

use std::{fmt, sync::Arc};

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
    errors::ErrorKind,
    jwk::{Jwk, JwkSet, PublicKeyUse},
};
use klout_model::{AccountKey, PersonId};
use qrcode::{EcLevel, QrCode, render::svg};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::error::Error;

/// How long a pass says something, unless it is said otherwise.
pub(crate) const VALID_TIME: Duration = Duration::minutes(2);

/// Long enough to be held to a camera.
pub(crate) const VALID_TIME_MIN: Duration = Duration::seconds(10);

/// A score changes, and a picture of a pass can be shared.
pub(crate) const VALID_TIME_MAX: Duration = Duration::minutes(10);

/// Bytes of a pass, at most: ours are below 400.
const PASS_BYTES_MAX: usize = 2_048;

/// Who makes passes, and for whom they are. Service tokens have another audience, so neither is taken for the other.
const ISSUER: &str = "klout";
const AUDIENCE: &str = "klout-pass";

/// How much the clocks of two processes may differ, in seconds.
const LEEWAY_SECONDS: u64 = 5;

/// What precedes the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Signs and verifies passes. Clones share the keys.
#[derive(Clone)]
pub(crate) struct Passes {
    /// The one that signs is the first.
    keys: Arc<[Key]>,
}

struct Key {
    name: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: Jwk,
}

/// What a pass says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pass {
    pub(crate) person: PersonId,
    /// Without what may not be used for rewards.
    pub(crate) score: f64,
    pub(crate) bucket: String,
    pub(crate) model: String,
    pub(crate) issue_time: OffsetDateTime,
    pub(crate) expire_time: OffsetDateTime,
}

/// The same as RFC 7519 has it.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The person.
    sub: String,
    /// Seconds since 1970.
    iat: i64,
    exp: i64,
    score: f64,
    bucket: String,
    model: String,
}

/// A key for passes cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the keys of passes cannot be made")]
pub(crate) struct KeyUnusable(#[source] jsonwebtoken::errors::Error);

// === impl Passes ===

impl Passes {
    /// Keys of these secrets, the first of which signs; without any, a key that follows from the key of accounts, so
    /// that all processes of an installation have the same.
    ///
    /// # Errors
    ///
    /// When the cryptography refuses a key.
    pub(crate) fn new(
        secrets: &[&SecretString],
        account_key: &AccountKey,
    ) -> Result<Self, KeyUnusable> {
        let configured = secrets.iter().map(|it| it.expose_secret()).filter(|it| !it.is_empty());
        let mut seeds: Vec<[u8; 32]> = configured
            .map(|secret| blake3::derive_key("klout perks pass secret", secret.as_bytes()))
            .collect();
        // Passes of before there was a secret are good until they expire.
        seeds.push(blake3::derive_key("klout perks pass", &account_key.derived("perks pass")));
        let keys: Result<Vec<Key>, _> = seeds.iter().map(Key::new).collect();
        Ok(Self { keys: keys.map_err(KeyUnusable)?.into() })
    }

    /// A pass that says this.
    pub(crate) fn sign(&self, pass: &Pass) -> String {
        let key = &self.keys[0];
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(key.name.clone());
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: pass.person.to_string(),
            iat: pass.issue_time.unix_timestamp(),
            exp: pass.expire_time.unix_timestamp(),
            score: pass.score,
            bucket: pass.bucket.clone(),
            model: pass.model.clone(),
        };
        encode(&header, &claims, &key.signing).expect("a key that was made signs texts and numbers")
    }

    /// What a pass says that is one of ours and has not expired.
    pub(crate) fn verify(&self, pass: &str) -> Result<Pass, Error> {
        self.read(pass, true)
    }

    /// Whose pass it is, even when it has expired: not who is there.
    pub(crate) fn holder(&self, pass: &str) -> Option<PersonId> {
        self.read(pass, false).ok().map(|pass| pass.person)
    }

    /// The public keys, as a JSON Web Key Set (RFC 7517).
    pub(crate) fn public(&self) -> JwkSet {
        JwkSet { keys: self.keys.iter().map(|key| key.public.clone()).collect() }
    }

    fn read(&self, pass: &str, must_be_valid: bool) -> Result<Pass, Error> {
        const NOT_OURS: Error = Error::PassInvalid { problem: "is not one of ours" };
        if pass.len() > PASS_BYTES_MAX {
            return Err(NOT_OURS);
        }
        let name = decode_header(pass).map_err(|_| NOT_OURS)?.kid.ok_or(NOT_OURS)?;
        let key = self.keys.iter().find(|key| key.name == name).ok_or(NOT_OURS)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_exp = must_be_valid;
        let read = decode::<Claims>(pass, &key.verifying, &validation);
        let claims = read.map(|it| it.claims).map_err(|error| {
            let is_old = matches!(error.kind(), ErrorKind::ExpiredSignature);
            if is_old { Error::PassInvalid { problem: "has expired" } } else { NOT_OURS }
        })?;
        let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| NOT_OURS);
        Ok(Pass {
            person: claims.sub.parse().map_err(|_| NOT_OURS)?,
            score: claims.score,
            bucket: claims.bucket,
            model: claims.model,
            issue_time: time(claims.iat)?,
            expire_time: time(claims.exp)?,
        })
    }
}

impl fmt::Debug for Passes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.name)).finish()
    }
}

// === impl Key ===

impl Key {
    fn new(seed: &[u8; 32]) -> Result<Self, jsonwebtoken::errors::Error> {
        let signing = EncodingKey::from_ed_der(&[&PKCS8_PREFIX[..], seed].concat());
        let mut public = Jwk::from_encoding_key(&signing, Algorithm::EdDSA)?;
        let verifying = DecodingKey::from_jwk(&public)?;
        // Of the public key alone (RFC 7638), so that whoever has the keys can name them too.
        let name = public.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256)?;
        public.common.key_id = Some(name.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { name, signing, verifying, public })
    }
}

/// A QR code of a pass, in SVG.
pub(crate) fn qr_svg(pass: &str) -> String {
    // A screen is clean and bright: the lowest level of correction has the largest dots.
    let code = QrCode::with_error_correction_level(pass, EcLevel::L)
        .expect("2,953 bytes fit, and a pass is shorter");
    code.render::<svg::Color<'_>>().min_dimensions(256, 256).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(secrets: &[&str]) -> Passes {
        let secrets: Vec<SecretString> = secrets.iter().map(|it| (*it).into()).collect();
        Passes::new(&secrets.iter().collect::<Vec<_>>(), &AccountKey::new([7; 32])).expect("keys")
    }

    fn pass(age: Duration) -> Pass {
        let now = klout_chassis::Clock::running().now().replace_nanosecond(0).expect("no part");
        Pass {
            person: "42".parse().expect("a person"),
            score: 63.5,
            bucket: "60-69".to_owned(),
            model: "v1".to_owned(),
            issue_time: now - age,
            expire_time: now - age + VALID_TIME,
        }
    }

    #[test]
    fn a_pass_says_what_was_signed_to_every_process_of_the_installation() {
        let said = pass(Duration::ZERO);
        let signed = passes(&[]).sign(&said);
        assert_eq!(passes(&[]).verify(&signed).expect("ours"), said);
    }

    #[test]
    fn a_pass_of_the_secret_before_is_good_until_that_is_forgotten() {
        let signed = passes(&["the one before"]).sign(&pass(Duration::ZERO));
        assert!(passes(&["the new one", "the one before"]).verify(&signed).is_ok());
        assert!(passes(&["the new one"]).verify(&signed).is_err());
    }

    #[test]
    fn a_pass_that_has_expired_names_its_holder_and_proves_nothing() {
        let passes = passes(&[]);
        let signed = passes.sign(&pass(Duration::minutes(5)));
        let error = passes.verify(&signed).expect_err("expired");
        assert_eq!(error.to_string(), "the pass has expired");
        assert_eq!(passes.holder(&signed), Some("42".parse().expect("a person")));
    }

    #[test]
    fn what_was_changed_or_is_for_somebody_else_is_not_ours() {
        let passes = passes(&[]);
        let signed = passes.sign(&pass(Duration::ZERO));
        let (body, signature) = signed.rsplit_once('.').expect("three parts");
        let other = passes.sign(&Pass { score: 99.0, ..pass(Duration::ZERO) });
        let (other, _) = other.rsplit_once('.').expect("three parts");
        let mut audience = Header::new(Algorithm::EdDSA);
        audience.kid = Some(passes.keys[0].name.clone());
        let token = serde_json::json!({"iss": "klout", "aud": "klout", "sub": "42", "iat": 0,
            "exp": i64::from(u32::MAX), "score": 99.0, "bucket": "", "model": ""});
        let for_services = encode(&audience, &token, &passes.keys[0].signing).expect("signed");
        for bad in
            [format!("{other}.{signature}"), format!("{body}."), "x".repeat(5_000), for_services]
        {
            let error = passes.verify(&bad).expect_err("not ours");
            assert_eq!(error.to_string(), "the pass is not one of ours");
        }
    }

    #[test]
    fn the_public_keys_verify_and_do_not_sign() {
        let text = serde_json::to_string(&passes(&["a", "b"]).public()).expect("JSON");
        let set: JwkSet = serde_json::from_str(&text).expect("a set");
        assert_eq!(set.keys.len(), 3);
        assert!(!text.contains("\"d\""), "{text}");
        let signed = passes(&["a"]).sign(&pass(Duration::ZERO));
        let name = decode_header(&signed).expect("a header").kid.expect("a name");
        let key = DecodingKey::from_jwk(set.find(&name).expect("named")).expect("a key");
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        assert!(decode::<Claims>(&signed, &key, &validation).is_ok());
    }

    #[test]
    fn a_qr_code_is_drawn_of_the_longest_pass() {
        let svg = qr_svg(&"x".repeat(PASS_BYTES_MAX));
        assert!(svg.starts_with("<?xml") && svg.contains("<svg"));
    }
}
