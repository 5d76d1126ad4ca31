//! Shows that whoever asks has the key that access is bound to. RFC 9449. Pure, but for what is drawn.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{
        AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters,
        EllipticCurveKeyType, Jwk,
    },
};
use p256::{SecretKey, elliptic_curve::sec1::ToEncodedPoint as _, pkcs8::EncodePrivateKey as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use url::Url;

use super::kept::Secret;

pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");

/// A key on P-256.
pub(crate) struct ProofKey(SecretKey);

#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

// === impl ProofKey ===

impl ProofKey {
    /// A new one, as it is kept.
    pub(crate) fn draw() -> Secret {
        loop {
            let bytes: [u8; 32] = rand::random();
            // Not every number is a key, but nearly.
            if SecretKey::from_slice(&bytes).is_ok() {
                return Secret::new(URL_SAFE_NO_PAD.encode(bytes));
            }
        }
    }

    pub(crate) fn of(kept: &Secret) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(kept.expose()).ok()?;
        SecretKey::from_slice(&bytes).ok().map(Self)
    }

    /// A proof for one request. `access` is what goes with it.
    ///
    /// # Panics
    ///
    /// When a key cannot sign, which every key can.
    pub(crate) fn proof(
        &self,
        method: &str,
        url: &Url,
        nonce: Option<&str>,
        access: Option<&Secret>,
        now: OffsetDateTime,
    ) -> HeaderValue {
        let mut target = url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let drawn: [u8; 16] = rand::random();
        let hash = |token: &Secret| URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose()));
        let claims = Claims {
            jti: URL_SAFE_NO_PAD.encode(drawn),
            htm: method,
            htu: target.as_str(),
            iat: now.unix_timestamp(),
            nonce,
            ath: access.map(hash),
        };
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(self.public());
        let key = self.0.to_pkcs8_der().expect("a key can be written");
        let key = EncodingKey::from_ec_der(key.as_bytes());
        let proof = jsonwebtoken::encode(&header, &claims, &key).expect("a key can sign");
        let mut proof = HeaderValue::try_from(proof).expect("a token can stand in a header");
        proof.set_sensitive(true);
        proof
    }

    fn public(&self) -> Jwk {
        let point = self.0.public_key().to_encoded_point(false);
        let coordinate = |bytes: Option<&p256::FieldBytes>| {
            URL_SAFE_NO_PAD.encode(bytes.expect("a point that is written whole has both"))
        };
        Jwk {
            common: CommonParameters::default(),
            algorithm: AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                key_type: EllipticCurveKeyType::EC,
                curve: EllipticCurve::P256,
                x: coordinate(point.x()),
                y: coordinate(point.y()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_proof_is_of_one_request_and_verifies_with_the_key_that_it_names() {
        let kept = ProofKey::draw();
        let key = ProofKey::of(&kept).expect("a key");
        let url = Url::parse("https://pds.example/xrpc/a.b?cursor=1#x").expect("an address");
        let access = Secret::new("token");
        let now = OffsetDateTime::from_unix_timestamp(1_795_694_460).expect("a time");
        let proof = key.proof("GET", &url, Some("n1"), Some(&access), now);
        let proof = proof.to_str().expect("text");

        let header = jsonwebtoken::decode_header(proof).expect("a header");
        assert_eq!(header.typ.as_deref(), Some("dpop+jwt"));
        let jwk = header.jwk.expect("a key");
        let mut validation = Validation::new(Algorithm::ES256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let verified = jsonwebtoken::decode::<Value>(
            proof,
            &DecodingKey::from_jwk(&jwk).expect("a key"),
            &validation,
        );
        let claims = verified.expect("it verifies").claims;
        assert_eq!(claims["htu"], "https://pds.example/xrpc/a.b");
        assert_eq!((&claims["htm"], &claims["nonce"]), (&"GET".into(), &"n1".into()));
        assert_eq!(claims["ath"], URL_SAFE_NO_PAD.encode(Sha256::digest("token")));
        assert_eq!(claims["iat"], 1_795_694_460);
        let again = key.proof("GET", &url, Some("n1"), Some(&access), now);
        assert_ne!(again, proof, "no proof serves twice");
    }
}
