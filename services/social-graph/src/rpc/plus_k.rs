//! How members vouch for one another. One file for each RPC.

mod answer_topic_proposal;
mod batch_count_plus_k;
mod block_person;
mod get_plus_k_budget;
mod give_plus_k;
mod list_blocked;
mod list_plus_k_given;
mod list_plus_k_received;
mod list_plus_k_suggestions;
mod list_topic_proposals;
mod page;
mod propose_topic;
mod show;
mod take_back_plus_k;
mod thank_for_plus_k;
mod unblock_person;

use klout_chassis::{Caller, Lookups};
use klout_proto::graph::v1::{
    AnswerTopicProposalRequest, AnswerTopicProposalResponse, BatchCountPlusKRequest,
    BatchCountPlusKResponse, BlockPersonRequest, BlockPersonResponse, GetPlusKBudgetRequest,
    GetPlusKBudgetResponse, GivePlusKRequest, GivePlusKResponse, ListBlockedRequest,
    ListBlockedResponse, ListPlusKGivenRequest, ListPlusKGivenResponse, ListPlusKReceivedRequest,
    ListPlusKReceivedResponse, ListPlusKSuggestionsRequest, ListPlusKSuggestionsResponse,
    ListTopicProposalsRequest, ListTopicProposalsResponse, ProposeTopicRequest,
    ProposeTopicResponse, TakeBackPlusKRequest, TakeBackPlusKResponse, ThankForPlusKRequest,
    ThankForPlusKResponse, UnblockPersonRequest, UnblockPersonResponse,
    plus_k_service_server::PlusKService,
};
use tonic::{Request, Response, Status};

use super::parse_person;
use crate::{error::Error, plus_k::Vouching};

/// The longest slug or id of a topic.
const TOPIC_BYTES_MAX: usize = 200;

#[derive(Clone, Debug)]
pub(crate) struct PlusKRpc {
    pub(crate) vouching: Vouching,
    pub(crate) lookups: Lookups,
}

#[tonic::async_trait]
impl PlusKService for PlusKRpc {
    async fn give_plus_k(
        &self,
        request: Request<GivePlusKRequest>,
    ) -> Result<Response<GivePlusKResponse>, Status> {
        let response = give_plus_k::give_plus_k(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn take_back_plus_k(
        &self,
        request: Request<TakeBackPlusKRequest>,
    ) -> Result<Response<TakeBackPlusKResponse>, Status> {
        let response = take_back_plus_k::take_back_plus_k(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_plus_k_received(
        &self,
        request: Request<ListPlusKReceivedRequest>,
    ) -> Result<Response<ListPlusKReceivedResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            list_plus_k_received::list_plus_k_received(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_plus_k_given(
        &self,
        request: Request<ListPlusKGivenRequest>,
    ) -> Result<Response<ListPlusKGivenResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            list_plus_k_given::list_plus_k_given(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_plus_k_budget(
        &self,
        request: Request<GetPlusKBudgetRequest>,
    ) -> Result<Response<GetPlusKBudgetResponse>, Status> {
        let response = get_plus_k_budget::get_plus_k_budget(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn thank_for_plus_k(
        &self,
        request: Request<ThankForPlusKRequest>,
    ) -> Result<Response<ThankForPlusKResponse>, Status> {
        let response = thank_for_plus_k::thank_for_plus_k(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn propose_topic(
        &self,
        request: Request<ProposeTopicRequest>,
    ) -> Result<Response<ProposeTopicResponse>, Status> {
        let response = propose_topic::propose_topic(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn answer_topic_proposal(
        &self,
        request: Request<AnswerTopicProposalRequest>,
    ) -> Result<Response<AnswerTopicProposalResponse>, Status> {
        let response =
            answer_topic_proposal::answer_topic_proposal(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_topic_proposals(
        &self,
        request: Request<ListTopicProposalsRequest>,
    ) -> Result<Response<ListTopicProposalsResponse>, Status> {
        let response =
            list_topic_proposals::list_topic_proposals(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn block_person(
        &self,
        request: Request<BlockPersonRequest>,
    ) -> Result<Response<BlockPersonResponse>, Status> {
        let response = block_person::block_person(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn unblock_person(
        &self,
        request: Request<UnblockPersonRequest>,
    ) -> Result<Response<UnblockPersonResponse>, Status> {
        let response = unblock_person::unblock_person(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_blocked(
        &self,
        request: Request<ListBlockedRequest>,
    ) -> Result<Response<ListBlockedResponse>, Status> {
        let response = list_blocked::list_blocked(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_plus_k_suggestions(
        &self,
        request: Request<ListPlusKSuggestionsRequest>,
    ) -> Result<Response<ListPlusKSuggestionsResponse>, Status> {
        let response =
            list_plus_k_suggestions::list_plus_k_suggestions(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_count_plus_k(
        &self,
        request: Request<BatchCountPlusKRequest>,
    ) -> Result<Response<BatchCountPlusKResponse>, Status> {
        let response = batch_count_plus_k::batch_count_plus_k(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}

/// What names a +K or a proposal.
fn parse_id(field: &str, text: &str) -> Result<i64, Error> {
    let problem = if text.is_empty() { "is missing" } else { "is not one of ours" };
    text.parse().ok().filter(|id| *id > 0).ok_or_else(|| Error::field(field, problem))
}

/// A slug or an id. An empty one is refused.
fn parse_topic(text: String) -> Result<String, Error> {
    match text.len() {
        0 => Err(Error::field("topic", "is missing")),
        1..=TOPIC_BYTES_MAX => Ok(text),
        _ => Err(Error::TopicUnknown { topic: text.chars().take(TOPIC_BYTES_MAX).collect() }),
    }
}
