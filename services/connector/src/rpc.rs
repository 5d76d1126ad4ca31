//! The gRPC face of the connector. One file for each RPC.

mod batch_ingest_signals;
mod complete_connection;
mod disconnect;
mod get_backlog;
mod get_connection;
mod ingest_signals;
mod list_connections;
mod list_networks;
mod person_data;
mod redeliver_signals;
mod start_connection;
mod sync_connection;

use std::{sync::Arc, time::Duration};

use klout_chassis::{Caller, Clock};
use klout_model::{AccountKey, Purpose};
use klout_proto::{
    revision::Deployment,
    signal::v1::{
        BatchIngestSignalsRequest, BatchIngestSignalsResponse, CompleteConnectionRequest,
        CompleteConnectionResponse, DisconnectRequest, DisconnectResponse, GetBacklogRequest,
        GetBacklogResponse, GetConnectionRequest, GetConnectionResponse, IngestSignalsRequest,
        IngestSignalsResponse, ListConnectionsRequest, ListConnectionsResponse,
        ListNetworksRequest, ListNetworksResponse, RedeliverSignalsRequest,
        RedeliverSignalsResponse, Signal, StartConnectionRequest, StartConnectionResponse,
        SyncConnectionRequest, SyncConnectionResponse, signal_service_server::SignalService,
    },
};
use sqlx::PgPool;
use tokio::time::Instant;
use tonic::{Request, Response, Status, Streaming};

pub(crate) use self::person_data::PersonDataRpc;
use crate::{
    admission::Terms,
    connect::Connecter,
    deliver::Bell,
    error::Error,
    ingest::{Ingested, ingest},
    metrics::Metrics,
    visit::Visitor,
};

#[derive(Clone, Debug)]
pub(crate) struct SignalRpc {
    pub(crate) db: PgPool,
    pub(crate) outbox_grew: Bell,
    pub(crate) clock: Clock,
    pub(crate) account_key: AccountKey,
    /// Whose revision tokens are told.
    pub(crate) deployment: Deployment,
    pub(crate) stream_time_max: Duration,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) visitor: Visitor,
    pub(crate) connecter: Connecter,
}

impl SignalRpc {
    /// Takes the signals of one message of `caller` in.
    async fn ingest(&self, caller: &Caller, signals: Vec<Signal>) -> Result<Ingested, Error> {
        let started = Instant::now();
        let (key, now, grace) = (self.account_key.clone(), self.clock.now(), self.clock.grace());
        // What a service of ours asks on behalf of somebody has that one's purpose.
        let ours = caller.purpose() == Purpose::Internal;
        let terms = Terms { key, now, grace, ours };
        let ingested = ingest(&self.db, &self.outbox_grew, &terms, signals).await?;
        self.metrics.ingest_duration.record(started.elapsed());
        self.metrics.ingested(&ingested);
        Ok(ingested)
    }
}

// Decode, call, encode. What a call means is in its own file and returns the service's own `Error`;
// the `?` here is the only place where that becomes a `Status`.
#[tonic::async_trait]
impl SignalService for SignalRpc {
    async fn batch_ingest_signals(
        &self,
        request: Request<BatchIngestSignalsRequest>,
    ) -> Result<Response<BatchIngestSignalsResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            batch_ingest_signals::batch_ingest_signals(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn ingest_signals(
        &self,
        request: Request<Streaming<IngestSignalsRequest>>,
    ) -> Result<Response<IngestSignalsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = ingest_signals::ingest_signals(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_backlog(
        &self,
        _: Request<GetBacklogRequest>,
    ) -> Result<Response<GetBacklogResponse>, Status> {
        let response = get_backlog::get_backlog(self).await?;
        Ok(Response::new(response))
    }

    async fn redeliver_signals(
        &self,
        request: Request<RedeliverSignalsRequest>,
    ) -> Result<Response<RedeliverSignalsResponse>, Status> {
        let response = redeliver_signals::redeliver_signals(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_networks(
        &self,
        request: Request<ListNetworksRequest>,
    ) -> Result<Response<ListNetworksResponse>, Status> {
        let response = list_networks::list_networks(&request.into_inner())?;
        Ok(Response::new(response))
    }

    async fn start_connection(
        &self,
        request: Request<StartConnectionRequest>,
    ) -> Result<Response<StartConnectionResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            start_connection::start_connection(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn complete_connection(
        &self,
        request: Request<CompleteConnectionRequest>,
    ) -> Result<Response<CompleteConnectionResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            complete_connection::complete_connection(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_connections(
        &self,
        request: Request<ListConnectionsRequest>,
    ) -> Result<Response<ListConnectionsResponse>, Status> {
        let response = list_connections::list_connections(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_connection(
        &self,
        request: Request<GetConnectionRequest>,
    ) -> Result<Response<GetConnectionResponse>, Status> {
        let response = get_connection::get_connection(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn sync_connection(
        &self,
        request: Request<SyncConnectionRequest>,
    ) -> Result<Response<SyncConnectionResponse>, Status> {
        let response = sync_connection::sync_connection(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn disconnect(
        &self,
        request: Request<DisconnectRequest>,
    ) -> Result<Response<DisconnectResponse>, Status> {
        let response = disconnect::disconnect(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}
