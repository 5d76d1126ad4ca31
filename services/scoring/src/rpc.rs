//! The gRPC face of scoring. One file for each RPC.

mod apply_memberships;
mod apply_signals;
mod batch_get_actors;
mod batch_lookup_scores;
mod contest_score;
mod explain_score;
mod get_backlog;
mod get_rescore;
mod get_score;
mod list_contests;
mod list_models;
mod list_moments;
mod list_scores;
mod list_top_scores;
mod operator;
mod page;
mod person_data;
mod server;
mod simulate_score;
mod start_rescore;
mod text;
mod watch_scores;

use std::{sync::Arc, time::Duration};

use klout_chassis::{Caller, Lookups};
use klout_proto::score::v1::{
    ApplyMembershipsRequest, ApplyMembershipsResponse, ApplySignalsRequest, ApplySignalsResponse,
    BatchGetActorsRequest, BatchGetActorsResponse, BatchLookupScoresRequest,
    BatchLookupScoresResponse, ContestScoreRequest, ContestScoreResponse, ExplainScoreRequest,
    ExplainScoreResponse, GetBacklogRequest, GetBacklogResponse, GetRescoreRequest,
    GetRescoreResponse, GetScoreRequest, GetScoreResponse, ListContestsRequest,
    ListContestsResponse, ListModelsRequest, ListModelsResponse, ListMomentsRequest,
    ListMomentsResponse, ListScoresRequest, ListScoresResponse, ListTopScoresRequest,
    ListTopScoresResponse, SimulateScoreRequest, SimulateScoreResponse, StartRescoreRequest,
    StartRescoreResponse, WatchScoresRequest, WatchScoresResponse,
    score_service_server::ScoreService, signal_consumer_service_server::SignalConsumerService,
};
use prost::Message;
use sqlx::PgPool;
use tokio::sync::Notify;
use tonic::{Request, Response, Status, codegen::BoxStream};

pub(crate) use self::{
    batch_get_actors::ACTORS_MAX, batch_lookup_scores::SUBJECTS_MAX, operator::OperatorRpc,
    person_data::PersonDataRpc, server::ScoreServer,
};
use crate::{
    encoded::{EncodedResponse, EncodedResults},
    error::Error,
    metrics::Metrics,
    models::Models,
    portraits::Portraits,
    read::Reader,
    watch::Watches,
};

#[derive(Clone, Debug)]
pub(crate) struct ScoreRpc {
    pub(crate) reader: Reader,
    pub(crate) models: Models,
    pub(crate) portraits: Portraits,
    pub(crate) freshness_time_max: Duration,
    pub(crate) watches: Watches,
    pub(crate) lookups: Lookups,
    /// Rung when somebody asks for a pass.
    pub(crate) pass_wanted: Arc<Notify>,
}

#[derive(Clone, Debug)]
pub(crate) struct ConsumerRpc {
    pub(crate) db: PgPool,
    /// Rung when somebody has to be scored again.
    pub(crate) evidence_grew: Arc<Notify>,
    pub(crate) metrics: Arc<Metrics>,
}

// Decode, call, encode. What a call means is in its own file and returns the service's own `Error`;
// the `?` here is the only place where that becomes a `Status`.
#[tonic::async_trait]
impl ScoreService for ScoreRpc {
    async fn get_score(
        &self,
        request: Request<GetScoreRequest>,
    ) -> Result<Response<GetScoreResponse>, Status> {
        let caller = Caller::of(&request);
        let score = get_score::get_score(self, &caller, request.into_inner()).await?;
        Ok(Response::new(decoded(&EncodedResponse { score: score.into_score() })?))
    }

    async fn batch_lookup_scores(
        &self,
        request: Request<BatchLookupScoresRequest>,
    ) -> Result<Response<BatchLookupScoresResponse>, Status> {
        let caller = Caller::of(&request);
        let results =
            batch_lookup_scores::batch_lookup_scores(self, &caller, request.into_inner()).await?;
        Ok(Response::new(decoded(&EncodedResults { results })?))
    }

    async fn batch_get_actors(
        &self,
        request: Request<BatchGetActorsRequest>,
    ) -> Result<Response<BatchGetActorsResponse>, Status> {
        let response = batch_get_actors::batch_get_actors(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_scores(
        &self,
        request: Request<ListScoresRequest>,
    ) -> Result<Response<ListScoresResponse>, Status> {
        let caller = Caller::of(&request);
        let response = list_scores::list_scores(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_top_scores(
        &self,
        request: Request<ListTopScoresRequest>,
    ) -> Result<Response<ListTopScoresResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            list_top_scores::list_top_scores(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_models(
        &self,
        request: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        let response = list_models::list_models(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_backlog(
        &self,
        _: Request<GetBacklogRequest>,
    ) -> Result<Response<GetBacklogResponse>, Status> {
        let response = get_backlog::get_backlog(self).await?;
        Ok(Response::new(response))
    }

    async fn watch_scores(
        &self,
        request: Request<WatchScoresRequest>,
    ) -> Result<Response<BoxStream<WatchScoresResponse>>, Status> {
        let caller = Caller::of(&request);
        let responses = watch_scores::watch_scores(self, &caller, request.into_inner())?;
        Ok(Response::new(responses))
    }

    async fn contest_score(
        &self,
        request: Request<ContestScoreRequest>,
    ) -> Result<Response<ContestScoreResponse>, Status> {
        let caller = Caller::of(&request);
        let response = contest_score::contest_score(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_contests(
        &self,
        request: Request<ListContestsRequest>,
    ) -> Result<Response<ListContestsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = list_contests::list_contests(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn explain_score(
        &self,
        request: Request<ExplainScoreRequest>,
    ) -> Result<Response<ExplainScoreResponse>, Status> {
        let caller = Caller::of(&request);
        let response = explain_score::explain_score(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn simulate_score(
        &self,
        request: Request<SimulateScoreRequest>,
    ) -> Result<Response<SimulateScoreResponse>, Status> {
        let caller = Caller::of(&request);
        let response = simulate_score::simulate_score(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_moments(
        &self,
        request: Request<ListMomentsRequest>,
    ) -> Result<Response<ListMomentsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = list_moments::list_moments(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn start_rescore(
        &self,
        request: Request<StartRescoreRequest>,
    ) -> Result<Response<StartRescoreResponse>, Status> {
        let response = start_rescore::start_rescore(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_rescore(
        &self,
        request: Request<GetRescoreRequest>,
    ) -> Result<Response<GetRescoreResponse>, Status> {
        let response = get_rescore::get_rescore(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}

/// The message of the contract. [`ScoreServer`] needs none: it answers what is the same on the wire.
fn decoded<M: Message + Default>(encoded: &impl Message) -> Result<M, Error> {
    M::decode(encoded.encode_to_vec().as_slice()).map_err(Error::Encoding)
}

#[tonic::async_trait]
impl SignalConsumerService for ConsumerRpc {
    async fn apply_signals(
        &self,
        request: Request<ApplySignalsRequest>,
    ) -> Result<Response<ApplySignalsResponse>, Status> {
        let response = apply_signals::apply_signals(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn apply_memberships(
        &self,
        request: Request<ApplyMembershipsRequest>,
    ) -> Result<Response<ApplyMembershipsResponse>, Status> {
        let response = apply_memberships::apply_memberships(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}
