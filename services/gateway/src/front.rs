//! What every answer says, whatever answers: the name of its request, and how far its key is from its limits.
//!
//! One service and no middlewares of functions, each of which would clone all that is below it for each request.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{extract::Request, response::Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::{
    limits::{self, Noting},
    request_id::RequestId,
};

/// Puts [`Front`] before routes.
#[derive(Clone, Debug)]
pub(crate) struct FrontLayer;

/// Routes whose answers say it.
#[derive(Clone, Debug)]
pub(crate) struct Front<S>(S);

pin_project! {
    /// An answer on its way to saying it; the name of its request is there until then.
    pub(crate) struct Answered<F> {
        #[pin]
        answered: Noting<F>,
        id: Option<RequestId>,
    }
}

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
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answered<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let id = RequestId::name(&mut request);
        Answered { answered: limits::noting(self.0.call(request)), id: Some(id) }
    }
}

// === impl Answered ===

impl<F: Future<Output = Result<Response, Infallible>>> Future for Answered<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Ok(mut response) = ready!(this.answered.as_mut().poll(cx));
        limits::tell_noted(this.answered, &mut response);
        if let Some(id) = this.id.take() {
            id.tell(&mut response);
        }
        Poll::Ready(Ok(response))
    }
}
