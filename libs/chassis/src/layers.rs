//! What every call passes on its way to a service, with a socket or without.

use axum::{Router, middleware, response::Response};
use tonic::{Code, Status};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    auth::{Authentication, authenticate},
    deadline::{CallLimits, limit_time},
    faults::tell_faults,
    measure::MeasureLayer,
    refusal::Refusal,
    trace::trace,
};

/// Puts the layers around routes of gRPC, in the order in which a call meets them.
pub fn around(routes: Router, authentication: Authentication, limits: CallLimits) -> Router {
    routes.layer(
        ServiceBuilder::new()
            // First, so that whatever follows is logged inside the span of the call.
            .layer(middleware::from_fn(trace))
            .layer(MeasureLayer::new())
            // Sees the statuses of everything below, and gives those a reason that have none.
            .layer(middleware::from_fn(tell_faults))
            // A bug in a handler fails one call and not the process.
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn_with_state(authentication, authenticate))
            // Last: nobody waits for the refusals above.
            .layer(middleware::from_fn_with_state(limits, limit_time)),
    )
}

/// A status as the whole answer of a call.
pub(crate) fn respond(status: Status) -> Response {
    status.into_http()
}

/// What panicked is in the log of the panic hook; the caller is not told.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    let refusal = Refusal::new(Code::Internal, "PANICKED");
    respond(refusal.into_plain_status("something went wrong on our side"))
}
