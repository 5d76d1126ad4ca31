//! The server of the gateway's port, where anybody may connect: whoever connects has so much time, so much room, and
//! no more.
//!
//! hyper bounds the head of a request and what streams of HTTP/2 may do. What it leaves open is bounded here, for each
//! connection: how long a head may take, how long nothing may be asked, how long a body or a reader may hold
//! everything up, and how old it may become.

mod activity;
mod body;
mod socket;

use std::{convert::Infallible, future::ready, io, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::IntoResponse as _};
use futures::future::Either;
use http::{
    Request, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_TYPE, HOST},
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use klout_telemetry::{Counter, Gauge};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{BoxError, Service as _};
use tracing::warn;

use self::{
    activity::{Activity, Sending, Verdict, Why},
    body::bounded,
    socket::Socket,
};
use crate::{config::HttpConfig, link::Switchboard, numbers};

/// How long nothing is accepted after that failed, which it does when there are no file descriptors left.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How often the peer of an idle connection of HTTP/2 is asked whether it is still there, and how long it may take.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIME_MAX: Duration = Duration::from_secs(20);

/// Headers of a request that hyper takes when it is told nothing.
const HEADERS_MAX_OF_HYPER: usize = 100;

/// Streams that a peer may have reset before we came to them: then the connection ends (CVE-2023-44487).
const RESETS_PENDING_MAX: usize = 20;

/// Streams that we had to reset because the peer sent what it may not: then the connection ends.
const RESETS_FOR_ERRORS_MAX: usize = 128;

/// Bytes that a peer may send ahead on one connection of HTTP/2, and on one of its streams.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
const STREAM_WINDOW: u32 = 256 * 1024;

/// Bytes of answers that are kept for a stream whose peer does not read.
const SEND_BUFFER: usize = 256 * 1024;

/// How long a connection has to end that nobody uses, after its peer was told.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(5);

/// How long the last requests of a connection may take that has become too old: longer than any stream but the endless
/// ones.
const LAST_REQUESTS_TIME_MAX: Duration = Duration::from_secs(15 * 60);

/// What connections are served with.
struct Server {
    protocol: auto::Builder<TokioExecutor>,
    limits: HttpConfig,
    routes: Switchboard<Router>,
    open: Gauge,
    ended: Ended,
}

/// Counts a connection until it is dropped.
struct Open<'a>(&'a Gauge);

/// Connections that were ended, by why.
struct Ended {
    head: Counter,
    idle: Counter,
    reader: Counter,
    age: Counter,
}

/// Serves `routes` until `stop` is cancelled and the last request is answered.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Switchboard<Router>,
    limits: HttpConfig,
    stop: CancellationToken,
) -> Result<(), BoxError> {
    let room = Arc::new(Semaphore::new(limits.connections_max));
    let server = Arc::new(Server::new(routes, limits));
    let connections = TaskTracker::new();
    loop {
        // Who comes when there is no room waits in the queue of the system, which has an end too.
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((socket, place)) => {
                let (server, stop) = (Arc::clone(&server), stop.clone());
                connections.spawn(async move {
                    server.connection(socket, stop).await;
                    drop(place);
                });
            }
            Err(error) if of_one_connection(&error) => {}
            Err(error) => {
                warn!(%error, "could not accept connections");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (socket, _) = listener.accept().await?;
    socket.set_nodelay(true)?;
    Ok((socket, place))
}

/// Whether it says something of the connection and nothing of the listener.
fn of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::InvalidInput
    )
}

// === impl Server ===

impl Server {
    fn new(routes: Switchboard<Router>, limits: HttpConfig) -> Self {
        let mut protocol = auto::Builder::new(TokioExecutor::new());
        protocol
            .http1()
            .timer(TokioTimer::new())
            // Ours is told apart from waiting for the next request, which may take longer.
            .header_read_timeout(None::<Duration>)
            .max_buf_size(limits.head_size_max);
        // Told anything, hyper clears so much room for each request; up to its own bound we count.
        if limits.headers_max > HEADERS_MAX_OF_HYPER {
            protocol.http1().max_headers(limits.headers_max);
        }
        protocol
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams_max)
            .max_header_list_size(u32::try_from(limits.head_size_max).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(RESETS_PENDING_MAX)
            .max_local_error_reset_streams(RESETS_FOR_ERRORS_MAX)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_stream_window_size(STREAM_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIME_MAX);
        let ended = Ended {
            head: numbers::HTTP_CONNECTIONS_ENDED.count(&["head"]),
            idle: numbers::HTTP_CONNECTIONS_ENDED.count(&["idle"]),
            reader: numbers::HTTP_CONNECTIONS_ENDED.count(&["reader"]),
            age: numbers::HTTP_CONNECTIONS_ENDED.count(&["age"]),
        };
        let open = numbers::HTTP_CONNECTIONS.level(&[]);
        Self { protocol, limits, routes, open, ended }
    }

    /// Serves one connection to its end.
    async fn connection(&self, socket: TcpStream, stop: CancellationToken) {
        let _open = Open::one_more(&self.open);
        let activity = Activity::begun();
        let io = TokioIo::new(Socket::new(socket, Arc::clone(&activity)));
        let service = service_fn(|request: Request<Incoming>| self.answer(&activity, request));
        let served = self.protocol.serve_connection(io, service);
        let mut served = std::pin::pin!(served);
        let tick = self.limits.tick();
        let mut leaving: Option<(Why, Instant)> = None;
        let mut stopping = false;
        loop {
            tokio::select! {
                // What went wrong went wrong at the other end, which is not there any more to be told.
                _ = &mut served => return,
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    served.as_mut().graceful_shutdown();
                }
                () = tokio::time::sleep(tick) => {
                    let verdict = match leaving {
                        Some((why, until)) if Instant::now() >= until => Verdict::End(why),
                        Some(_) => activity.stalled(&self.limits),
                        None => activity.verdict(&self.limits),
                    };
                    match verdict {
                        Verdict::GoOn => {}
                        Verdict::SayGoodbye(why) => {
                            self.ended.by(why).increment(1);
                            let time = match why {
                                Why::Age => LAST_REQUESTS_TIME_MAX,
                                Why::Idle | Why::Head | Why::Reader => GOODBYE_TIME_MAX,
                            };
                            leaving = Some((why, Instant::now() + time));
                            served.as_mut().graceful_shutdown();
                        }
                        Verdict::End(why) => {
                            if leaving.is_none() {
                                self.ended.by(why).increment(1);
                            }
                            return;
                        }
                    }
                }
            }
        }
    }

    fn answer(
        &self,
        activity: &Arc<Activity>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Sending>, Infallible>> + use<> {
        let under_way = activity.begin(request.version());
        let asked = if request.headers().len() > self.limits.headers_max {
            let (status, end) =
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, [(CONNECTION, "close")]);
            Either::Right(ready(Ok((status, end).into_response())))
        } else if names_one_host(&request) {
            let request = request_of(request, &self.limits);
            Either::Left(self.routes.clone().call(request))
        } else {
            let refused = (StatusCode::BAD_REQUEST, "a request names one host\n").into_response();
            Either::Right(ready(Ok(refused)))
        };
        async move {
            let response = asked.await?;
            // It is under way until the last of it is sent.
            Ok(response.map(|body| under_way.until_sent(body)))
        }
    }
}

// === impl Ended ===

impl Ended {
    const fn by(&self, why: Why) -> &Counter {
        match why {
            Why::Head => &self.head,
            Why::Idle => &self.idle,
            Why::Reader => &self.reader,
            Why::Age => &self.age,
        }
    }
}

// === impl Open ===

impl<'a> Open<'a> {
    fn one_more(open: &'a Gauge) -> Self {
        open.increment(1.0);
        Self(open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// What every request of HTTP/1.1 has to (RFC 9112, 3.2). Whoever reads it otherwise than we do would be led astray.
fn names_one_host(request: &Request<Incoming>) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    match request.version() {
        Version::HTTP_11 => hosts == 1,
        _ => hosts <= 1,
    }
}

/// The same request, whose body may not hold us up.
fn request_of(request: Request<Incoming>, limits: &HttpConfig) -> Request<Body> {
    let grpc = request.headers().get(CONTENT_TYPE);
    let grpc = grpc.is_some_and(|it| it.as_bytes().starts_with(b"application/grpc"));
    // A stream of gRPC may pause: its deadline bounds it.
    request.map(|body| if grpc { Body::new(body) } else { bounded(body, limits) })
}
