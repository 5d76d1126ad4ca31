//! What every call passes on its way to a service, with a socket or without.

use std::{
    any::Any,
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use futures::FutureExt as _;
use http::Request;
use tonic::{Code, Status};
use tower::{Layer, Service, ServiceExt as _};
use tracing::Instrument as _;

use crate::{
    Caller, Shortcuts,
    auth::Authentication,
    deadline::{CallLimits, within},
    faults::{tell_fault, tell_fault_of},
    measure::Methods,
    refusal::Refusal,
    shortcut::Shortcut,
    trace,
};

/// Puts the layers around routes of gRPC.
#[derive(Clone, Debug)]
pub struct Guard(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    methods: Methods,
    /// `None`: the routes let callers in themselves.
    authentication: Option<Authentication>,
    limits: CallLimits,
    shortcuts: Shortcuts,
}

/// Routes of gRPC with the layers around them.
///
/// The layers are one function and not a stack of middlewares: a score that is in memory is answered in
/// less time than a stack takes to be passed.
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    inner: S,
    rules: Arc<Rules>,
}

// === impl Guard ===

impl Guard {
    /// Has to be made after telemetry was set up.
    #[must_use]
    pub fn new(authentication: Authentication, limits: CallLimits, shortcuts: Shortcuts) -> Self {
        Self::of(Some(authentication), limits, shortcuts)
    }

    /// Around routes that let callers in themselves, each call once: nobody is refused here, and no call has a
    /// [`Caller`](crate::Caller). Has to be made after telemetry was set up.
    #[must_use]
    pub fn around_a_door(limits: CallLimits) -> Self {
        Self::of(None, limits, Shortcuts::default())
    }

    fn of(
        authentication: Option<Authentication>,
        limits: CallLimits,
        shortcuts: Shortcuts,
    ) -> Self {
        Self(Arc::new(Rules { methods: Methods::all(), authentication, limits, shortcuts }))
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, rules: Arc::clone(&self.0) }
    }
}

// === impl Guarded ===

impl<S> Guarded<S> {
    /// Asks past gRPC what can be asked so; `None`: it cannot. `caller`: for whom a service asks, if not for itself.
    pub(crate) async fn ask_past_grpc(
        &self,
        path: &str,
        caller: Option<&Caller>,
        request: impl FnOnce() -> Bytes,
    ) -> Option<Result<Bytes, Status>> {
        let shortcut = self.rules.shortcuts.at(path)?;
        let answered = async {
            let mut call = self.rules.methods.begin(path);
            let answered = self.rules.answer_past_grpc(path, shortcut, caller, request()).await;
            let code = answered.as_ref().map_or_else(Status::code, |_| Code::Ok);
            trace::tell_code(code);
            call.end(code);
            answered
        };
        Some(answered.instrument(trace::span_within(path)).await)
    }

    /// Asks what memory has past gRPC, in no span. `None`: it has nothing, or there is no room, and nothing was counted.
    pub(crate) fn ask_at_once(
        &self,
        path: &str,
        caller: &Caller,
        request: &dyn Any,
    ) -> Option<Bytes> {
        let rules = &self.rules;
        let remembered = rules.shortcuts.remembered_at(path)?;
        let started = Instant::now();
        let authentication = rules.authentication.as_ref();
        let admitted = authentication.map(|it| it.admit_own(Some(caller))).transpose().ok()?;
        let caller = admitted.as_ref().map_or(caller, |it| &it.caller);
        let answer = remembered(caller, request)?;
        rules.methods.answered(path, started.elapsed());
        Some(answer)
    }
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { inner, rules } = self.clone();
        // First, so that whatever follows is logged inside the span of the call.
        let span = trace::span(&request);
        let answered = async move {
            let mut call = rules.methods.begin(request.uri().path());
            let response = rules.answer(inner, request).await;
            let code = code(&response);
            trace::tell_code(code);
            call.end(code);
            Ok(response)
        };
        Box::pin(answered.instrument(span))
    }
}

// === impl Rules ===

impl Rules {
    async fn answer<S>(&self, inner: S, mut request: Request<Body>) -> Response
    where
        S: Service<Request<Body>, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        // Who may not call, or for whom there is no room, is refused before anything is done.
        let authentication = self.authentication.as_ref();
        let admitted = authentication.map(|it| it.admit(request.headers())).transpose();
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(status) => return status.into_http(),
        };
        if let Some(admitted) = &admitted {
            request.extensions_mut().insert(admitted.caller.clone());
        }
        let limit = match self.limits.of(&request) {
            Ok(limit) => limit,
            Err(status) => return status.into_http(),
        };
        let call = AssertUnwindSafe(limit.end(inner.oneshot(request))).catch_unwind();
        let response = match call.await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(status)) => status.into_http(),
            // A bug in a handler fails one call and not the process.
            Err(_) => panicked().into_http(),
        };
        // Sees the statuses of everything above, and gives those a reason that have none.
        tell_fault(response)
    }

    /// The same of a call within this process that passes no gRPC. Nobody outside makes one, so it needs no token.
    async fn answer_past_grpc(
        &self,
        path: &str,
        shortcut: &Shortcut,
        caller: Option<&Caller>,
        request: Bytes,
    ) -> Result<Bytes, Status> {
        let admitted = self.authentication.as_ref().map(|it| it.admit_own(caller)).transpose()?;
        let caller = admitted.as_ref().map_or_else(Caller::own, |it| it.caller.clone());
        let answered = async { shortcut(caller, request).await };
        let answered = within(self.limits.max(path), answered);
        let answered = AssertUnwindSafe(answered).catch_unwind().await;
        let answered = answered.unwrap_or_else(|_| Ok(Err(panicked()))).flatten();
        answered.map_err(|status| tell_fault_of(&status))
    }
}

/// How a call ended. An answer whose status comes after it has none here.
fn code(response: &Response) -> Code {
    let code = response.headers().get(Status::GRPC_STATUS);
    code.map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()))
}

/// What panicked is in the log of the panic hook; the caller is not told.
fn panicked() -> Status {
    let refusal = Refusal::new(Code::Internal, "PANICKED");
    refusal.into_plain_status("something went wrong on our side")
}
