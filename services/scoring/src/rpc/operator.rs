//! What only operators do with scores.

use std::{sync::Arc, time::Duration};

use klout_model::AccountKey;
use klout_proto::score::v1::{
    AnswerContestRequest, AnswerContestResponse, FinishRebuildRequest, FinishRebuildResponse,
    ListFindingsRequest, ListFindingsResponse, RecordFindingRequest, RecordFindingResponse,
    ReverseFindingRequest, ReverseFindingResponse, StartRebuildRequest, StartRebuildResponse,
    score_operator_service_server::ScoreOperatorService,
};
use sqlx::PgPool;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

use super::{
    answer_contest, finish_rebuild, list_findings, record_finding, reverse_finding, start_rebuild,
};

#[derive(Clone, Debug)]
pub(crate) struct OperatorRpc {
    pub(crate) db: PgPool,
    pub(crate) account_key: AccountKey,
    /// Rung when somebody has to be scored again.
    pub(crate) evidence_grew: Arc<Notify>,
    pub(crate) transaction_time_max: Duration,
}

// As in `rpc.rs`: decode, call, encode.
#[tonic::async_trait]
impl ScoreOperatorService for OperatorRpc {
    async fn start_rebuild(
        &self,
        _: Request<StartRebuildRequest>,
    ) -> Result<Response<StartRebuildResponse>, Status> {
        Ok(Response::new(start_rebuild::start_rebuild(self).await?))
    }

    async fn finish_rebuild(
        &self,
        _: Request<FinishRebuildRequest>,
    ) -> Result<Response<FinishRebuildResponse>, Status> {
        Ok(Response::new(finish_rebuild::finish_rebuild(self).await?))
    }

    async fn record_finding(
        &self,
        request: Request<RecordFindingRequest>,
    ) -> Result<Response<RecordFindingResponse>, Status> {
        let response = record_finding::record_finding(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn reverse_finding(
        &self,
        request: Request<ReverseFindingRequest>,
    ) -> Result<Response<ReverseFindingResponse>, Status> {
        let response = reverse_finding::reverse_finding(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_findings(
        &self,
        request: Request<ListFindingsRequest>,
    ) -> Result<Response<ListFindingsResponse>, Status> {
        let response = list_findings::list_findings(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn answer_contest(
        &self,
        request: Request<AnswerContestRequest>,
    ) -> Result<Response<AnswerContestResponse>, Status> {
        let response = answer_contest::answer_contest(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}
