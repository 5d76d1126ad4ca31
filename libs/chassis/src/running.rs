//! A process that serves, and how it goes down.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use sqlx::PgPool;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tower::BoxError;
use tracing::{error, info};

use crate::{
    Clock,
    config::{HttpConfig, ServerConfig},
    door::DoorLayer,
    faults::Chain,
    health::Health,
    link::Switchboard,
};

/// Calls that one connection may have open at once.
const STREAMS_PER_CONNECTION_MAX: u32 = 1_024;

/// How often an idle connection is asked whether its peer is still there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// Everything of a process that runs, until it is stopped.
#[derive(Debug)]
pub struct Running {
    /// Where gRPC is answered: the port that was bound.
    pub grpc_address: SocketAddr,
    /// Where the gateway answers, if this process hosts it.
    pub http_address: Option<SocketAddr>,
    /// The clock that all services go by.
    pub clock: Clock,
    pub(crate) health: Health,
    pub(crate) pools: Vec<PgPool>,
    names: Vec<&'static str>,
    drain_time: Duration,
    grace_time_max: Duration,
    /// Cancelled before anything else ends.
    pub going_down: CancellationToken,
    /// Cancelled when no more calls are accepted.
    accepting: CancellationToken,
    servers: JoinSet<(&'static str, Result<(), BoxError>)>,
    /// Cancelled after the last call was answered.
    working: CancellationToken,
    work: JoinSet<(&'static str, Result<(), BoxError>)>,
}

/// SIGTERM and SIGINT from when it was made on: one that comes while nobody waits is kept, so nothing is lost
/// between starting and serving.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// Why a process did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    #[error("`{name}` failed")]
    Failed {
        name: &'static str,
        #[source]
        source: BoxError,
    },
    #[error("a task of the process panicked")]
    Panicked(#[source] tokio::task::JoinError),
    #[error("gave up going down after {0:?}, while {1}")]
    OutOfTime(Duration, &'static str),
    #[error("went down at once, as a second signal came")]
    Hurried,
}

// === impl Running ===

impl Running {
    /// Serves on both listeners at once: calls of gRPC that are no service's go to the router beside them.
    /// What the switchboards connect to comes later.
    pub(crate) fn listening(
        health: Health,
        names: Vec<&'static str>,
        grpc: (TcpListener, Router, Switchboard),
        http: Option<(TcpListener, Switchboard<Router>, HttpConfig)>,
        clock: Clock,
        times: &ServerConfig,
    ) -> Self {
        let (grpc_listener, front, calls) = grpc;
        let accepting = CancellationToken::new();
        let mut servers = JoinSet::new();
        let unspecified = SocketAddr::from(([0, 0, 0, 0], 0));
        let grpc_address = grpc_listener.local_addr().unwrap_or(unspecified);
        let http_address =
            http.as_ref().map(|(listener, ..)| listener.local_addr().unwrap_or(unspecified));

        let stop = accepting.clone();
        servers.spawn(async move {
            let incoming = TcpIncoming::from(grpc_listener).with_nodelay(Some(true));
            let server = Server::builder()
                // For those who read `/metrics`.
                .accept_http1(true)
                .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
                .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
                .layer(DoorLayer(calls))
                .add_routes(Routes::from(front))
                .serve_with_incoming_shutdown(incoming, stop.cancelled_owned());
            ("the gRPC server", server.await.map_err(Into::into))
        });
        if let Some((listener, switchboard, limits)) = http {
            let stop = accepting.clone();
            servers.spawn(async move {
                (
                    "the HTTP server",
                    crate::http_server::serve(listener, switchboard, limits, stop).await,
                )
            });
        }
        Self {
            grpc_address,
            http_address,
            clock,
            health,
            pools: Vec::new(),
            names,
            drain_time: times.drain_time,
            grace_time_max: times.grace_time_max,
            going_down: CancellationToken::new(),
            accepting,
            servers,
            working: CancellationToken::new(),
            work: JoinSet::new(),
        }
    }

    /// Does something beside the services, until the token is cancelled. When it ends before that, or
    /// fails, the process goes down.
    pub fn work<F>(&mut self, name: &'static str, work: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let work = work(self.working.clone());
        self.work.spawn(async move { (name, work.await) });
    }

    pub(crate) async fn serving(&self) {
        self.health.serving(&self.names).await;
    }

    /// Waits for a signal or the failure of a service, then stops. A second signal ends the process at once.
    ///
    /// # Errors
    ///
    /// When a service failed, or stopping took longer than `grace_time_max`.
    pub async fn until_signalled(mut self, signals: &mut Signals) -> Result<(), StopError> {
        let failed = tokio::select! {
            () = signals.next() => None,
            failed = self.failure() => Some(failed),
        };
        match &failed {
            None => info!("going down; a second signal ends the process at once"),
            Some(failure) => error!(error = %Chain(failure), "going down after a failure"),
        }
        let stopped = tokio::select! {
            stopped = self.stop() => stopped,
            () = signals.next() => Err(StopError::Hurried),
        };
        failed.map_or(stopped, Err)
    }

    /// Takes everything down, in order, within `grace_time_max`.
    ///
    /// # Errors
    ///
    /// When a task failed, or time ran out; the error says what was left.
    pub async fn stop(mut self) -> Result<(), StopError> {
        let mut doing = "telling balancers";
        let grace = self.grace_time_max;
        match timeout(grace, self.go_down(&mut doing)).await {
            Ok(result) => result,
            Err(_) => Err(StopError::OutOfTime(grace, doing)),
        }
    }

    async fn go_down(&mut self, doing: &mut &'static str) -> Result<(), StopError> {
        self.going_down.cancel();
        self.health.stop_serving(&self.names).await;
        tokio::time::sleep(self.drain_time).await;

        *doing = "answering the last calls";
        self.accepting.cancel();
        self.health.end_watches(&self.names).await;
        let answered = join(&mut self.servers).await;

        *doing = "ending the work of the services";
        self.working.cancel();
        let worked = join(&mut self.work).await;

        *doing = "closing the connections to Postgres";
        for pool in &self.pools {
            pool.close().await;
        }
        answered.and(worked)
    }

    /// Resolves when something ended that should have gone on.
    async fn failure(&mut self) -> StopError {
        let ended = tokio::select! {
            Some(ended) = self.servers.join_next() => ended,
            Some(ended) = self.work.join_next() => ended,
            else => std::future::pending().await,
        };
        match ended {
            Ok((name, Err(source))) => StopError::Failed { name, source },
            Ok((name, Ok(()))) => {
                StopError::Failed { name, source: "ended although nobody stopped it".into() }
            }
            Err(panic) => StopError::Panicked(panic),
        }
    }
}

/// Waits for all tasks, and returns the first failure.
async fn join(tasks: &mut JoinSet<(&'static str, Result<(), BoxError>)>) -> Result<(), StopError> {
    let mut result = Ok(());
    while let Some(ended) = tasks.join_next().await {
        let one = match ended {
            Ok((name, ended)) => ended.map_err(|source| StopError::Failed { name, source }),
            Err(panic) => Err(StopError::Panicked(panic)),
        };
        result = result.and(one);
    }
    result
}

// === impl Signals ===

impl Signals {
    /// Listens from now on.
    ///
    /// # Panics
    ///
    /// Outside of a runtime that has signals enabled.
    #[must_use]
    pub fn listen() -> Self {
        let listen = |kind| signal(kind).expect("the runtime has signals enabled");
        Self {
            terminate: listen(SignalKind::terminate()),
            interrupt: listen(SignalKind::interrupt()),
        }
    }

    /// Waits for one that has not been waited for.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::Signals;

    #[tokio::test]
    async fn signals_that_nobody_waited_for_are_kept() {
        let (mut first, mut other) = (Signals::listen(), Signals::listen());
        for signal in [Signal::TERM, Signal::INT] {
            kill_process(getpid(), signal).expect("a signal to ourselves");
            first.next().await;
            other.next().await;
        }
    }
}
