//! The gRPC face of the connector. One file for each RPC.

mod batch_ingest_signals;
mod get_backlog;
mod ingest_signals;

use std::time::Duration;

use klout_chassis::Clock;
use klout_model::AccountKey;
use klout_proto::signal::v1::{
    BatchIngestSignalsRequest, BatchIngestSignalsResponse, GetBacklogRequest, GetBacklogResponse,
    IngestSignalsRequest, IngestSignalsResponse, signal_service_server::SignalService,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status, Streaming};

use crate::{admission::Terms, deliver::Bell};

#[derive(Clone, Debug)]
pub(crate) struct SignalRpc {
    pub(crate) db: PgPool,
    pub(crate) outbox_grew: Bell,
    pub(crate) clock: Clock,
    pub(crate) account_key: AccountKey,
    pub(crate) stream_time_max: Duration,
}

impl SignalRpc {
    /// What signals that arrive now are admitted by.
    fn terms(&self) -> Terms {
        Terms { key: self.account_key.clone(), now: self.clock.now(), grace: self.clock.grace() }
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
        let response =
            batch_ingest_signals::batch_ingest_signals(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn ingest_signals(
        &self,
        request: Request<Streaming<IngestSignalsRequest>>,
    ) -> Result<Response<IngestSignalsResponse>, Status> {
        let response = ingest_signals::ingest_signals(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_backlog(
        &self,
        _: Request<GetBacklogRequest>,
    ) -> Result<Response<GetBacklogResponse>, Status> {
        let response = get_backlog::get_backlog(self).await?;
        Ok(Response::new(response))
    }
}
