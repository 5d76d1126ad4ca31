//! Who calls.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, header::AUTHORIZATION};
use tonic::{Code, Status};

use crate::{
    layers::respond,
    refusal::Refusal,
    token::{Claims, TokenKey},
};

/// How the callers of a process are told apart.
#[derive(Clone, Debug)]
pub struct Authentication {
    pub key: TokenKey,
    /// Whether a call without a token passes: `--dev`, on loopback only.
    pub open: bool,
}

/// Who calls and what for; in the extensions of every request that passed.
#[derive(Clone, Debug)]
pub struct Caller(pub Option<Claims>);

// === impl Authentication ===

impl Authentication {
    /// Verifies `Authorization: Bearer TOKEN` or `x-api-key: TOKEN`.
    ///
    /// # Errors
    ///
    /// UNAUTHENTICATED, with reason TOKEN_MISSING or TOKEN_INVALID.
    pub fn verify(&self, headers: &HeaderMap) -> Result<Caller, Status> {
        let token = match token(headers) {
            Some(token) => token,
            None if self.open => return Ok(Caller(None)),
            None => {
                let refusal = Refusal::new(Code::Unauthenticated, "TOKEN_MISSING");
                return Err(refusal.into_plain_status(
                    "a token is needed: `authorization: Bearer TOKEN` or `x-api-key: TOKEN`",
                ));
            }
        };
        let claims = self.key.verify(token).map_err(|error| {
            Refusal::new(Code::Unauthenticated, "TOKEN_INVALID").into_status(error)
        })?;
        Ok(Caller(Some(claims)))
    }
}

/// Refuses calls without a valid token.
pub(crate) async fn authenticate(
    State(authentication): State<Authentication>,
    mut request: Request,
    next: Next,
) -> Response {
    match authentication.verify(request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(status) => respond(status),
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let bearer =
        headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok())
}
