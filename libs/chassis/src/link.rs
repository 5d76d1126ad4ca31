//! How one service reaches another, whether or not they share a process.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    error::Error as _,
    fmt, iter,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock},
    task::{Context, Poll},
};

use axum::Router;
use futures::future::{Either, Ready, ready};
use http::{
    HeaderValue, Request, Response,
    header::{AUTHORIZATION, CONTENT_TYPE},
    uri::PathAndQuery,
};
use klout_model::Purpose;
use prost::Message;
use time::{Duration, OffsetDateTime};
use tonic::{
    Code, Status, TimeoutExpired,
    body::Body,
    client::Grpc,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;
use tower::{BoxError, Service, ServiceExt as _, util::Oneshot};

use crate::{
    Clock, Guarded, auth::API_KEY, caller::Caller, deadline, refusal::Refusal, token::TokenKey,
};

/// How long a token of ours is valid; a new one is made when half of it has passed.
const TOKEN_TIME_TO_LIVE: Duration = Duration::hours(1);

/// How long another process is waited for before a call to it is UNAVAILABLE.
const CONNECT_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(2);

/// The transport under every generated client: `ScoreServiceClient<Link>`.
///
/// A call through it carries our own token, for whom we call if that was said, what is left of the current deadline,
/// and the trace.
#[derive(Clone, Debug)]
pub struct Link {
    way: Way,
    identity: Identity,
    caller: Option<Caller>,
}

#[derive(Clone, Debug)]
enum Way {
    /// The service is another process.
    Remote(Channel),
    /// The service is in this process: the same messages and the same layers, without a socket.
    Local(Switchboard),
}

/// Every service of this process, once all are built.
///
/// Services need links to one another before all of them exist. They get the switchboard empty; a
/// call before [`connect`](Self::connect) is answered UNAVAILABLE, like a call to a process that has
/// not started yet.
///
/// `S`: what it connects to; to services of gRPC with their layers if nothing else is said.
#[derive(Debug)]
pub struct Switchboard<S = Guarded<Router>> {
    routes: Arc<OnceLock<S>>,
    /// What a request is answered until then that is no gRPC.
    early: fn() -> axum::response::Response,
}

/// The links of a process to all services, by section name.
#[derive(Clone, Debug)]
pub struct Links {
    remote: BTreeMap<String, Channel>,
    switchboard: Switchboard,
    identity: Identity,
}

/// The name that this process calls others by.
#[derive(Clone)]
pub struct Identity(Arc<Signer>);

struct Signer {
    name: String,
    key: TokenKey,
    current: Mutex<Option<(HeaderValue, OffsetDateTime)>>,
}

#[derive(Debug, thiserror::Error)]
#[error("`links.{service}` is not an address such as http://{service}.internal:50051")]
pub struct LinkInvalid {
    service: String,
    #[source]
    source: tonic::transport::Error,
}

// === impl Link ===

impl Link {
    /// A link to whatever `switchboard` connects, for a process that calls itself `identity`.
    #[must_use]
    pub const fn local(switchboard: Switchboard, identity: Identity) -> Self {
        Self { way: Way::Local(switchboard), identity, caller: None }
    }

    /// A link to another process.
    #[must_use]
    pub const fn remote(channel: Channel, identity: Identity) -> Self {
        Self { way: Way::Remote(channel), identity, caller: None }
    }

    /// The same link, of calls for `caller`: services answer what that caller may see, and write it down.
    #[must_use]
    pub fn on_behalf_of(mut self, caller: &Caller) -> Self {
        self.caller = Some(caller.clone());
        self
    }

    /// Whether the service is in this process, so that an answer may be the memory where it keeps it.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(self.way, Way::Local(_))
    }

    /// Asks the RPC at `path`, as its generated client would; past gRPC where a service of this process answers it so
    /// (see [`Shortcuts`](crate::Shortcuts)).
    ///
    /// # Errors
    ///
    /// As the RPC.
    pub async fn ask<Q, A>(self, path: &'static str, request: Q) -> Result<A, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        if let Way::Local(switchboard) = &self.way
            && let Some(routes) = switchboard.routes.get()
        {
            let encoded = || request.encode_to_vec().into();
            let caller = self.caller.as_ref();
            if let Some(answered) = routes.ask_past_grpc(path, caller, encoded).await {
                let decoded = A::decode(answered?);
                return decoded.map_err(|error| Status::from_error(Box::new(error)));
            }
        }
        // Large, and seldom on its way where calls are many.
        Box::pin(self.ask_by_grpc(path, request)).await
    }

    /// What memory has of what the RPC at `path` answers to `caller`, where its service is in this process: without a
    /// wait, and without a span. `None`: it is not known, nothing was counted, and [`ask`](Self::ask) tells.
    #[must_use]
    pub fn ask_at_once<Q, A>(&self, caller: &Caller, path: &'static str, request: &Q) -> Option<A>
    where
        Q: Message + 'static,
        A: Message + Default,
    {
        let Way::Local(switchboard) = &self.way else { return None };
        let answer = switchboard.routes.get()?.ask_at_once(path, caller, request)?;
        A::decode(answer).ok()
    }

    async fn ask_by_grpc<Q, A>(self, path: &'static str, request: Q) -> Result<A, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        let mut client = Grpc::new(self);
        client.ready().await.map_err(Status::from_error)?;
        let path = PathAndQuery::from_static(path);
        let codec: ProstCodec<Q, A> = ProstCodec::default();
        client
            .unary(tonic::Request::new(request), path, codec)
            .await
            .map(tonic::Response::into_inner)
    }
}

impl Service<Request<Body>> for Link {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match &mut self.way {
            Way::Remote(channel) => channel.poll_ready(cx).map_err(Into::into),
            Way::Local(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let headers = request.headers_mut();
        deadline::pass_on(headers);
        klout_telemetry::inject_trace(headers);
        // Of a call that is passed on the caller's key stays here.
        headers.remove(AUTHORIZATION);
        headers.remove(API_KEY);
        Caller::put(self.caller.as_ref(), headers);
        if let Some(token) = self.identity.token() {
            headers.insert(API_KEY, token);
        }
        match &mut self.way {
            Way::Remote(channel) => {
                let response = channel.call(request);
                Box::pin(async move { response.await.map_err(told_apart) })
            }
            Way::Local(switchboard) => {
                let response = switchboard.clone().oneshot(request);
                Box::pin(async move {
                    match response.await {
                        Ok(response) => Ok(response.map(Body::new)),
                        Err(never) => match never {},
                    }
                })
            }
        }
    }
}

/// The transport calls a deadline that passes CANCELLED, as if the caller had lost interest, and a peer that
/// dies during a call UNKNOWN, as if nobody could say whether it will come back.
fn told_apart(error: tonic::transport::Error) -> BoxError {
    let expired = iter::successors(error.source(), |&error| error.source())
        .any(|source| source.is::<TimeoutExpired>());
    if !expired {
        let mut status = Status::unavailable("the connection broke off");
        status.set_source(Arc::new(error));
        return status.into();
    }
    let refusal = Refusal::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    refusal.into_plain_status("the deadline has passed").into()
}

// === impl Switchboard ===

impl<S> Switchboard<S> {
    /// A switchboard that answers `early` until it is connected; to a call of gRPC, which could not read that,
    /// UNAVAILABLE.
    #[must_use]
    pub fn answering(early: fn() -> axum::response::Response) -> Self {
        Self { routes: Arc::default(), early }
    }

    /// # Panics
    ///
    /// When called twice.
    pub fn connect(&self, routes: S) {
        let first = self.routes.set(routes).is_ok();
        assert!(first, "the switchboard is connected once");
    }
}

impl<B, S> Service<Request<B>> for Switchboard<S>
where
    B: http_body::Body<Data = axum::body::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    S: Service<Request<axum::body::Body>, Response = axum::response::Response, Error = Infallible>
        + Clone,
{
    type Response = axum::response::Response;
    type Error = Infallible;
    type Future = Either<
        Oneshot<S, Request<axum::body::Body>>,
        Ready<Result<axum::response::Response, Infallible>>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if let Some(routes) = self.routes.get() {
            let request = request.map(axum::body::Body::new);
            return Either::Left(routes.clone().oneshot(request));
        }
        let content_type = request.headers().get(CONTENT_TYPE);
        let grpc = content_type.is_some_and(|it| it.as_bytes().starts_with(b"application/grpc"));
        let response = if grpc { starting() } else { (self.early)() };
        Either::Right(ready(Ok(response)))
    }
}

impl<S> Clone for Switchboard<S> {
    fn clone(&self) -> Self {
        Self { routes: Arc::clone(&self.routes), early: self.early }
    }
}

impl Default for Switchboard {
    /// For gRPC.
    fn default() -> Self {
        Self::answering(starting)
    }
}

fn starting() -> axum::response::Response {
    let refusal = Refusal::new(Code::Unavailable, "STARTING");
    refusal.into_plain_status("the service is still starting").into_http()
}

// === impl Links ===

impl Links {
    /// Links to the services of this process through `switchboard`, and to those at `addresses`, by
    /// section name. An empty address counts as none. Connects when first used.
    ///
    /// # Errors
    ///
    /// When an address cannot be read.
    pub fn new(
        addresses: &BTreeMap<String, String>,
        switchboard: Switchboard,
        identity: Identity,
    ) -> Result<Self, LinkInvalid> {
        let mut remote = BTreeMap::new();
        for (service, address) in addresses.iter().filter(|(_, address)| !address.is_empty()) {
            let endpoint = Endpoint::from_shared(address.clone())
                .map_err(|source| LinkInvalid { service: service.clone(), source })?
                .connect_timeout(CONNECT_TIME_MAX)
                .http2_keep_alive_interval(std::time::Duration::from_secs(10))
                .keep_alive_timeout(std::time::Duration::from_secs(5))
                .tcp_nodelay(true);
            remote.insert(service.clone(), endpoint.connect_lazy());
        }
        Ok(Self { remote, switchboard, identity })
    }

    /// The link to the service with that section name, such as `social_graph`: to its address, or to
    /// this process when it has none.
    #[must_use]
    pub fn to(&self, service: &str) -> Link {
        let identity = self.identity.clone();
        match self.remote.get(service) {
            Some(channel) => Link::remote(channel.clone(), identity),
            None => Link::local(self.switchboard.clone(), identity),
        }
    }
}

// === impl Identity ===

impl Identity {
    #[must_use]
    pub fn new(name: &str, key: TokenKey) -> Self {
        Self(Arc::new(Signer { name: name.to_owned(), key, current: Mutex::new(None) }))
    }

    /// A token, made anew when half of the old one's life has passed.
    fn token(&self) -> Option<HeaderValue> {
        let now = Clock::running().now();
        let mut current = self.0.current.lock().expect("nobody panics while signing");
        if let Some((token, minted)) = &*current
            && now - *minted < TOKEN_TIME_TO_LIVE / 2
        {
            return Some(token.clone());
        }
        let token = self
            .0
            .key
            .mint(&self.0.name, Purpose::Internal.as_str(), now, TOKEN_TIME_TO_LIVE)
            .ok()?;
        let token = HeaderValue::try_from(token).ok()?;
        *current = Some((token.clone(), now));
        Some(token)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.0.name)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt as _, net::TcpListener};
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

    use super::*;

    #[tokio::test]
    async fn a_call_before_the_start_is_answered_in_its_own_language() {
        let early = || axum::response::IntoResponse::into_response("still starting");
        let board: Switchboard<Router> = Switchboard::answering(early);
        let asked = async |content_type: &str| {
            let request = Request::post("/").header(CONTENT_TYPE, content_type);
            let request = request.body(Body::empty()).expect("a request");
            let answered = board.clone().oneshot(request).await.expect("it never fails");
            Status::from_header_map(answered.headers()).map(|status| status.code())
        };
        assert_eq!(asked("application/grpc").await, Some(Code::Unavailable));
        assert_eq!(asked("text/html").await, None);
    }

    #[tokio::test]
    async fn a_peer_that_dies_during_a_call_is_unavailable() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("a bound port"));
        let key = TokenKey::new(b"a secret that nobody else knows of");
        let addresses = BTreeMap::from([("peer".to_owned(), address)]);
        let links = Links::new(&addresses, Switchboard::default(), Identity::new("test", key));
        let mut client = HealthClient::new(links.expect("an address").to("peer"));
        let dies = async {
            let (mut connection, _) = listener.accept().await.expect("a call");
            connection.read_u8().await.expect("the beginning of one");
        };

        let (answered, ()) = tokio::join!(client.check(HealthCheckRequest::default()), dies);

        let status = answered.expect_err("nobody answered");
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    }
}
