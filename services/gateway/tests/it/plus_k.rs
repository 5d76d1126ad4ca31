//! A social-graph that knows what was received, and nothing else of +K.

use klout_proto::{
    convert,
    graph::v1::{
        AnswerTopicProposalRequest, AnswerTopicProposalResponse, BlockPersonRequest,
        BlockPersonResponse, GetPlusKBudgetRequest, GetPlusKBudgetResponse, GivePlusKRequest,
        GivePlusKResponse, ListBlockedRequest, ListBlockedResponse, ListPlusKGivenRequest,
        ListPlusKGivenResponse, ListPlusKReceivedRequest, ListPlusKReceivedResponse,
        ListPlusKSuggestionsRequest, ListPlusKSuggestionsResponse, ListTopicProposalsRequest,
        ListTopicProposalsResponse, PlusK, PlusKOnTopic, ProposeTopicRequest, ProposeTopicResponse,
        TakeBackPlusKRequest, TakeBackPlusKResponse, ThankForPlusKRequest, ThankForPlusKResponse,
        UnblockPersonRequest, UnblockPersonResponse, plus_k_service_server::PlusKService,
    },
};
use time::macros::datetime;
use tonic::{Request, Response, Status};

use crate::{
    people::{DEE, EVE, KIT},
    world::ANN,
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct PlusKs;

fn nobody_asks() -> Status {
    Status::unimplemented("pages do not ask this")
}

fn thanked(giver: &str, thanks: &str, public: bool) -> PlusK {
    PlusK {
        giver: giver.to_owned(),
        topic: "rust".to_owned(),
        thank_time: public.then(|| convert::timestamp(datetime!(2018-06-01 00:00 UTC))),
        thanks: thanks.to_owned(),
        thanks_public: public,
        ..PlusK::default()
    }
}

#[tonic::async_trait]
impl PlusKService for PlusKs {
    async fn give_plus_k(
        &self,
        _: Request<GivePlusKRequest>,
    ) -> Result<Response<GivePlusKResponse>, Status> {
        Err(nobody_asks())
    }

    async fn take_back_plus_k(
        &self,
        _: Request<TakeBackPlusKRequest>,
    ) -> Result<Response<TakeBackPlusKResponse>, Status> {
        Err(nobody_asks())
    }

    async fn list_plus_k_received(
        &self,
        request: Request<ListPlusKReceivedRequest>,
    ) -> Result<Response<ListPlusKReceivedResponse>, Status> {
        let on = |topic: &str, count| PlusKOnTopic { topic: topic.to_owned(), count };
        Ok(Response::new(match request.into_inner().person.as_str() {
            DEE => ListPlusKReceivedResponse {
                plus_ks: vec![
                    thanked(EVE, "<b>see you</b>", true),
                    thanked(ANN, "only for ann", false),
                ],
                topics: vec![on("rust", 1_200), on("<i>tea</i>", 34)],
                total: 1_234,
                ..Default::default()
            },
            KIT => return Err(Status::unavailable("not for them")),
            _ => ListPlusKReceivedResponse::default(),
        }))
    }

    async fn list_plus_k_given(
        &self,
        _: Request<ListPlusKGivenRequest>,
    ) -> Result<Response<ListPlusKGivenResponse>, Status> {
        Err(nobody_asks())
    }

    async fn get_plus_k_budget(
        &self,
        _: Request<GetPlusKBudgetRequest>,
    ) -> Result<Response<GetPlusKBudgetResponse>, Status> {
        Err(nobody_asks())
    }

    async fn thank_for_plus_k(
        &self,
        _: Request<ThankForPlusKRequest>,
    ) -> Result<Response<ThankForPlusKResponse>, Status> {
        Err(nobody_asks())
    }

    async fn propose_topic(
        &self,
        _: Request<ProposeTopicRequest>,
    ) -> Result<Response<ProposeTopicResponse>, Status> {
        Err(nobody_asks())
    }

    async fn answer_topic_proposal(
        &self,
        _: Request<AnswerTopicProposalRequest>,
    ) -> Result<Response<AnswerTopicProposalResponse>, Status> {
        Err(nobody_asks())
    }

    async fn list_topic_proposals(
        &self,
        _: Request<ListTopicProposalsRequest>,
    ) -> Result<Response<ListTopicProposalsResponse>, Status> {
        Err(nobody_asks())
    }

    async fn block_person(
        &self,
        _: Request<BlockPersonRequest>,
    ) -> Result<Response<BlockPersonResponse>, Status> {
        Err(nobody_asks())
    }

    async fn unblock_person(
        &self,
        _: Request<UnblockPersonRequest>,
    ) -> Result<Response<UnblockPersonResponse>, Status> {
        Err(nobody_asks())
    }

    async fn list_blocked(
        &self,
        _: Request<ListBlockedRequest>,
    ) -> Result<Response<ListBlockedResponse>, Status> {
        Err(nobody_asks())
    }

    async fn list_plus_k_suggestions(
        &self,
        _: Request<ListPlusKSuggestionsRequest>,
    ) -> Result<Response<ListPlusKSuggestionsResponse>, Status> {
        Err(nobody_asks())
    }
}
