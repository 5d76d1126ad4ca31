//! The gRPC face of topics. One file for each RPC.

mod apply_signals;

use klout_proto::topic::v1::{
    ApplySignalsRequest, ApplySignalsResponse,
    signal_consumer_service_server::SignalConsumerService,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

#[derive(Clone, Debug)]
pub(crate) struct ConsumerRpc {
    pub(crate) db: PgPool,
}

// Decode, call, encode. What a call means is in its own file and returns the service's own `Error`;
// the `?` here is the only place where that becomes a `Status`.
#[tonic::async_trait]
impl SignalConsumerService for ConsumerRpc {
    async fn apply_signals(
        &self,
        request: Request<ApplySignalsRequest>,
    ) -> Result<Response<ApplySignalsResponse>, Status> {
        let response = apply_signals::apply_signals(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}
