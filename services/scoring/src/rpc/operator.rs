//! The gRPC face of scoring for operators. One file for each RPC.

mod announce_model;
mod compare_models;
mod shadow_model;
mod withdraw_model;

use futures::TryStreamExt as _;
use klout_chassis::Clock;
use klout_proto::score::v1::{
    AnnounceModelRequest, AnnounceModelResponse, CompareModelsRequest, CompareModelsResponse,
    ShadowModelRequest, ShadowModelResponse, WithdrawModelRequest, WithdrawModelResponse,
    score_operator_service_server::ScoreOperatorService,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status, codegen::BoxStream};

use crate::models::Models;

#[derive(Clone, Debug)]
pub(crate) struct OperatorRpc {
    pub(crate) db: PgPool,
    pub(crate) models: Models,
    pub(crate) clock: Clock,
}

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
        let answers = compare_models::compare_models(self, request.into_inner()).await?;
        Ok(Response::new(Box::pin(answers.err_into())))
    }
}
