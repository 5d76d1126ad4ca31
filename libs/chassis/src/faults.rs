//! Logs what went wrong on our side, once, and gives every error a reason.

use std::{error::Error, fmt};

use axum::response::Response;
use tonic::{Code, Status};
use tracing::error;

use crate::refusal::{Refusal, reason};

/// tonic leaves the [`Status`] of a failed call in the extensions of its response; they never reach
/// the wire, and the source of the status is the error that the service itself returned. So no
/// service logs its own errors.
pub(crate) fn tell_fault(response: Response) -> Response {
    let Some(status) = status(&response) else { return response };
    told(&status).map_or(response, Status::into_http)
}

/// The same of a call that passed no gRPC. Its status leaves us as it would by that: without what led to it.
pub(crate) fn tell_fault_of(status: &Status) -> Status {
    told(status).unwrap_or_else(|| {
        let details = status.details().to_vec().into();
        Status::with_details(status.code(), status.message(), details)
    })
}

/// What is told instead of a status that has no reason. Logs what went wrong on our side.
fn told(status: &Status) -> Option<Status> {
    if matches!(status.code(), Code::Internal | Code::Unavailable | Code::Unknown) {
        error!(code = ?status.code(), error = %Chain(status), "call failed");
    }
    // Ours have a reason; those that tonic made before a service was reached do not.
    if reason(status).is_some() { None } else { Some(with_reason(status)) }
}

fn status(response: &Response) -> Option<Status> {
    match response.extensions().get::<Status>() {
        Some(status) => Some(status.clone()),
        None => Status::from_header_map(response.headers()),
    }
    .filter(|status| status.code() != Code::Ok)
}

/// The same refusal as tonic's, in our words. Tested against what tonic really sends, so that an
/// upgrade that changes a text fails a test.
#[expect(clippy::wildcard_enum_match_arm, reason = "tonic may send any code")]
fn with_reason(status: &Status) -> Status {
    let message = status.message();
    let (refusal, text) = match status.code() {
        Code::OutOfRange | Code::ResourceExhausted
            if message.contains("message length too large") =>
        {
            (Refusal::new(Code::ResourceExhausted, "MESSAGE_TOO_LARGE"), message)
        }
        Code::Unimplemented => {
            (Refusal::new(Code::Unimplemented, "METHOD_UNKNOWN"), "no such method")
        }
        Code::Internal if message.contains("decode") || message.contains("Missing request") => {
            return malformed();
        }
        Code::Internal | Code::Unknown => {
            (Refusal::new(Code::Internal, "FAULT"), "something went wrong on our side")
        }
        code => (Refusal::new(code, "FAULT"), message),
    };
    refusal.into_plain_status(text)
}

/// What is told to who sent something else than the method takes.
pub(crate) fn malformed() -> Status {
    Refusal::new(Code::InvalidArgument, "MESSAGE_MALFORMED")
        .into_plain_status("the request is not the message that the method takes")
}

/// An error and everything that led to it, on one line.
#[derive(Debug)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
