//! Tells calls of services from what a process answers about itself.

use std::task::{Context, Poll};

use axum::body::Body;
use futures::{
    FutureExt as _, TryFutureExt as _,
    future::{BoxFuture, Either},
};
use http::{Request, Response};
use tonic::service::Routes;
use tower::{BoxError, Layer, Service, ServiceExt as _};

use crate::link::Switchboard;

/// What the paths of our own RPCs start with.
const OURS: &str = "/klout.";

/// Puts [`Door`] before the routes of a server.
#[derive(Clone, Debug)]
pub(crate) struct DoorLayer(pub(crate) Switchboard);

/// Hands calls of our services to the switchboard at once: a router of routers would take as long to pass
/// as a score that is in memory.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    /// Health, reflection, metrics.
    front: Routes,
    calls: Switchboard,
}

// === impl DoorLayer ===

impl Layer<Routes> for DoorLayer {
    type Service = Door;

    fn layer(&self, front: Routes) -> Door {
        Door { front, calls: self.0.clone() }
    }
}

// === impl Door ===

impl Service<Request<tonic::body::Body>> for Door {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Either<
        futures::future::ErrInto<
            <Switchboard as Service<Request<tonic::body::Body>>>::Future,
            BoxError,
        >,
        BoxFuture<'static, Result<Response<Body>, BoxError>>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        if request.uri().path().starts_with(OURS) {
            return Either::Left(self.calls.call(request).err_into());
        }
        let answered = self.front.clone().oneshot(request);
        Either::Right(answered.map_ok(|it| it.map(Body::new)).err_into().boxed())
    }
}
