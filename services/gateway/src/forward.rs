//! gRPC at the gateway: calls go on, as they are, to the service that owns them.

use std::time::Duration;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::any,
};
use klout_chassis::{Authentication, CallLimits, Link, Links, around};
use klout_proto::json::DESCRIPTORS;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use crate::{call::to_caller, routes::owners};

/// The router of every RPC there is, behind the same layers as in front of a service.
pub(crate) fn router(
    links: &Links,
    authentication: Authentication,
    request_time_max: Duration,
    stream_time_max: Duration,
) -> Router {
    let mut router = Router::new();
    let mut streaming = Vec::new();
    for (package, owner) in owners() {
        for service in DESCRIPTORS.services().filter(|it| it.package_name() == package) {
            let path = format!("/{}/{{method}}", service.full_name());
            router = router.route(&path, any(forward).with_state(links.to(owner)));
            let streams =
                service.methods().filter(prost_reflect::MethodDescriptor::is_client_streaming);
            streaming.extend(streams.map(|it| format!("/{}/{}", service.full_name(), it.name())));
        }
    }
    around(router, authentication, CallLimits { request_time_max, stream_time_max, streaming })
}

/// The link puts our own token in the place of the caller's.
async fn forward(State(link): State<Link>, mut request: Request) -> Response {
    request.headers_mut().remove("x-api-key");
    let response = match link.oneshot(request.map(tonic::body::Body::new)).await {
        Ok(response) => response,
        Err(error) => return to_caller(Status::from_error(error)).into_http(),
    };
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() == Code::Unauthenticated => to_caller(status).into_http(),
        Some(_) | None => response.map(axum::body::Body::new),
    }
}
