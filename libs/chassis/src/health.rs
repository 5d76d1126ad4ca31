//! Whether a process serves, for balancers, and what it serves and how, for the curious.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::auth::{Authentication, authenticate};

/// Tells who asks whether each service serves: under its own name, those of its gRPC services, and
/// `""` for all.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    reporter: HealthReporter,
}

// === impl Health ===

impl Health {
    /// Nothing serves yet. The router answers `grpc.health.v1`, reflection and `/metrics`.
    ///
    /// The last two need a token where callers may come from other machines.
    pub(crate) async fn not_serving(
        names: &[&'static str],
        authentication: &Authentication,
        address: SocketAddr,
    ) -> Result<(Self, Router), tonic_reflection::server::Error> {
        let (reporter, service) = tonic_health::server::health_reporter();
        let health = Self { reporter };
        // The reporter starts with `""` as serving.
        health.set(names, ServingStatus::NotServing).await;

        let reflection = || {
            let mut builder = tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(klout_proto::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .with_service_name("grpc.health.v1.Health");
            for name in names.iter().filter(|name| name.contains('.')) {
                builder = builder.with_service_name(*name);
            }
            builder
        };
        let mut reflection = Routes::new(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?)
            .prepare()
            .into_axum_router();
        let open = address.ip().is_loopback();
        let keeper = (!open).then(|| authentication.clone());
        let metrics = Router::new().route("/metrics", get(metrics)).with_state(keeper);
        if !open {
            let authentication = authentication.clone();
            reflection =
                reflection.layer(middleware::from_fn_with_state(authentication, authenticate));
        }
        // Only one of two merged routers may have a fallback, and the caller brings its own.
        let router = Router::new()
            .merge(Routes::new(service).prepare().into_axum_router().reset_fallback())
            .merge(reflection.reset_fallback())
            .merge(metrics);
        Ok((health, router))
    }

    /// Everything serves.
    pub(crate) async fn serving(&self, names: &[&'static str]) {
        self.set(names, ServingStatus::Serving).await;
    }

    /// Nothing serves any more.
    pub(crate) async fn stop_serving(&self, names: &[&'static str]) {
        self.set(names, ServingStatus::NotServing).await;
    }

    /// Ends the streams of those who watch, which would keep their connections open for ever.
    pub(crate) async fn end_watches(&mut self, names: &[&'static str]) {
        for name in std::iter::once(&"").chain(names) {
            self.reporter.clear_service_status(name).await;
        }
    }

    async fn set(&self, names: &[&'static str], status: ServingStatus) {
        for name in std::iter::once(&"").chain(names) {
            self.reporter.set_service_status(*name, status).await;
        }
    }
}

/// Every number of this process. Nothing is waited for: what has to be asked for is asked beforehand.
async fn metrics(State(keeper): State<Option<Authentication>>, headers: HeaderMap) -> Response {
    if let Some(Err(refused)) = keeper.map(|keeper| keeper.verify(&headers)) {
        return (StatusCode::UNAUTHORIZED, format!("{}\n", refused.message())).into_response();
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], klout_telemetry::metrics_text()).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use tower::ServiceExt as _;

    use super::*;
    use crate::{Clock, token::TokenKey};

    /// What `/metrics` at an address is answered with a token, or without.
    async fn asked(address: &str, token: Option<&str>) -> StatusCode {
        let key = TokenKey::new(b"the secret of this test and nobody else's");
        let authentication = Authentication::new(key, false, 1, 1);
        let address = address.parse().expect("an address");
        let (_, router) =
            Health::not_serving(&["test"], &authentication, address).await.expect("it is built");
        let mut request = Request::get("/metrics");
        if let Some(token) = token {
            request = request.header("x-api-key", token);
        }
        let request = request.body(Body::empty()).expect("a request");
        router.oneshot(request).await.expect("infallible").status()
    }

    #[tokio::test]
    async fn the_numbers_of_a_process_are_free_on_this_machine_alone() {
        let key = TokenKey::new(b"the secret of this test and nobody else's");
        let hour = time::Duration::HOUR;
        let token = key.mint("watcher", "metrics", Clock::running().now(), hour).expect("a token");

        assert_eq!(asked("127.0.0.1:50051", None).await, StatusCode::OK);
        assert_eq!(asked("10.0.0.1:50051", None).await, StatusCode::UNAUTHORIZED);
        assert_eq!(asked("10.0.0.1:50051", Some("wrong")).await, StatusCode::UNAUTHORIZED);
        assert_eq!(asked("10.0.0.1:50051", Some(&token)).await, StatusCode::OK);
    }
}
