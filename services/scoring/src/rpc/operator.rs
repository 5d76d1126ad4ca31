//! The gRPC face of scoring for operators. One file for each RPC.

mod announce_model;
mod answer_contest;
mod compare_models;
mod finish_rebuild;
mod list_findings;
mod record_finding;
mod reverse_finding;
mod shadow_model;
mod start_rebuild;
mod withdraw_model;

use std::{sync::Arc, time::Duration};

use futures::TryStreamExt as _;
use klout_chassis::{Caller, Clock, Lookups};
use klout_model::AccountKey;
use klout_proto::score::v1::{
    AnnounceModelRequest, AnnounceModelResponse, AnswerContestRequest, AnswerContestResponse,
    CompareModelsRequest, CompareModelsResponse, FinishRebuildRequest, FinishRebuildResponse,
    ListFindingsRequest, ListFindingsResponse, RecordFindingRequest, RecordFindingResponse,
    ReverseFindingRequest, ReverseFindingResponse, ShadowModelRequest, ShadowModelResponse,
    StartRebuildRequest, StartRebuildResponse, WithdrawModelRequest, WithdrawModelResponse,
    score_operator_service_server::ScoreOperatorService,
};
use sqlx::PgPool;
use tokio::sync::Notify;
use tonic::{Request, Response, Status, codegen::BoxStream};

use crate::models::Models;

#[derive(Clone, Debug)]
pub(crate) struct OperatorRpc {
    pub(crate) db: PgPool,
    pub(crate) models: Models,
    pub(crate) clock: Clock,
    pub(crate) account_key: AccountKey,
    pub(crate) lookups: Lookups,
    /// Rung when somebody has to be scored again.
    pub(crate) evidence_grew: Arc<Notify>,
    pub(crate) transaction_time_max: Duration,
}

// As in `rpc.rs`: decode, call, encode.
#[tonic::async_trait]
impl ScoreOperatorService for OperatorRpc {
    async fn shadow_model(
        &self,
        request: Request<ShadowModelRequest>,
    ) -> Result<Response<ShadowModelResponse>, Status> {
        let response = shadow_model::shadow_model(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn announce_model(
        &self,
        request: Request<AnnounceModelRequest>,
    ) -> Result<Response<AnnounceModelResponse>, Status> {
        let response = announce_model::announce_model(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn withdraw_model(
        &self,
        request: Request<WithdrawModelRequest>,
    ) -> Result<Response<WithdrawModelResponse>, Status> {
        let response = withdraw_model::withdraw_model(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn compare_models(
        &self,
        request: Request<CompareModelsRequest>,
    ) -> Result<Response<BoxStream<CompareModelsResponse>>, Status> {
        let caller = Caller::of(&request);
        let answers = compare_models::compare_models(self, &caller, request.into_inner()).await?;
        Ok(Response::new(Box::pin(answers.err_into())))
    }

    async fn start_rebuild(
        &self,
        _: Request<StartRebuildRequest>,
    ) -> Result<Response<StartRebuildResponse>, Status> {
        Ok(Response::new(start_rebuild::start_rebuild(self).await?))
    }

    async fn finish_rebuild(
        &self,
        request: Request<FinishRebuildRequest>,
    ) -> Result<Response<FinishRebuildResponse>, Status> {
        let response = finish_rebuild::finish_rebuild(self, request.into_inner()).await?;
        Ok(Response::new(response))
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
        let caller = Caller::of(&request);
        let response = answer_contest::answer_contest(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}
