//! For what a caller asks.

use klout_chassis::Caller;
use klout_model::Purpose;
use tonic::Request;

/// What the caller's key says. Who needs no key, as on loopback with `--dev`, runs the installation.
pub(crate) fn purpose<T>(request: &Request<T>) -> Purpose {
    match request.extensions().get::<Caller>() {
        Some(Caller(Some(claims))) => Purpose::of_key(&claims.purpose).unwrap_or(Purpose::Crm),
        Some(Caller(None)) | None => Purpose::Operator,
    }
}
