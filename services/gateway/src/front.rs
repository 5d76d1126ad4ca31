//! What every answer says, whatever answers: the name of its request, and how far its key is from its limits.
//!
//! One service and no middlewares of functions, each of which would clone all that is below it for each request.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{extract::Request, response::Response};
use tower::{Layer, Service};

use crate::{limits, request_id::RequestId};

/// Puts [`Front`] before routes.
#[derive(Clone, Debug)]
pub(crate) struct FrontLayer;

/// Routes whose answers say it.
#[derive(Clone, Debug)]
pub(crate) struct Front<S>(S);

impl<S> Layer<S> for FrontLayer {
    type Service = Front<S>;

    fn layer(&self, routes: S) -> Front<S> {
        Front(routes)
    }
}

// === impl Front ===

impl<S> Service<Request> for Front<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let id = RequestId::name(&mut request);
        let answered = self.0.call(request);
        let answered = async move {
            let Ok(mut response) = answered.await;
            id.tell(&mut response);
            response
        };
        let told = limits::telling(answered);
        Box::pin(async move { Ok(told.await) })
    }
}
