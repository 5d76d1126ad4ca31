//! A topics that knows what people are known for, and nothing else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use klout_chassis::Refusal;
use klout_proto::topic::v1::{
    BatchGetPersonTopicsRequest, BatchGetPersonTopicsResponse, DeclareTopicsRequest,
    DeclareTopicsResponse, ExplainPersonTopicRequest, ExplainPersonTopicResponse,
    GetBacklogRequest, GetBacklogResponse, GetTopicRequest, GetTopicResponse, ListExpertsRequest,
    ListExpertsResponse, ListPersonTopicsRequest, ListPersonTopicsResponse, ListTopicsRequest,
    ListTopicsResponse, MatchTextRequest, MatchTextResponse, PersonTopicNames, RestoreTopicRequest,
    RestoreTopicResponse, SuggestContentRequest, SuggestContentResponse, SuggestTopicsRequest,
    SuggestTopicsResponse, VetoTopicRequest, VetoTopicResponse, topic_service_server::TopicService,
};
use tonic::{Code, Request, Response, Status};

/// Topics of people, the strongest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

// === impl Known ===

impl Known {
    pub(crate) fn set(&self, person: &str, topics: &[&str]) {
        let topics = topics.iter().map(|it| (*it).to_owned()).collect();
        self.0.lock().expect("not poisoned").insert(person.to_owned(), topics);
    }
}

fn nobody_asks() -> Status {
    Status::unimplemented("social-graph does not ask this")
}

#[tonic::async_trait]
impl TopicService for Known {
    async fn batch_get_person_topics(
        &self,
        request: Request<BatchGetPersonTopicsRequest>,
    ) -> Result<Response<BatchGetPersonTopicsResponse>, Status> {
        let BatchGetPersonTopicsRequest { people, topics_max, topic } = request.into_inner();
        if topic == "unheard-of" {
            let unknown = Refusal::new(Code::NotFound, "TOPIC_UNKNOWN");
            return Err(unknown.into_plain_status("there is no such topic"));
        }
        let known = self.0.lock().expect("not poisoned");
        let people = people.into_iter().map(|person| {
            let topics = known.get(&person).cloned().unwrap_or_default();
            let has_topic = topics.contains(&topic);
            let max = usize::try_from(topics_max).expect("not negative");
            let topics = topics.into_iter().take(max).collect();
            PersonTopicNames { person, topics, has_topic }
        });
        Ok(Response::new(BatchGetPersonTopicsResponse { people: people.collect() }))
    }

    async fn list_topics(
        &self,
        _: Request<ListTopicsRequest>,
    ) -> Result<Response<ListTopicsResponse>, Status> {
        Err(nobody_asks())
    }

    async fn get_topic(
        &self,
        _: Request<GetTopicRequest>,
    ) -> Result<Response<GetTopicResponse>, Status> {
        Err(nobody_asks())
    }

    async fn match_text(
        &self,
        _: Request<MatchTextRequest>,
    ) -> Result<Response<MatchTextResponse>, Status> {
        Err(nobody_asks())
    }

    async fn list_person_topics(
        &self,
        _: Request<ListPersonTopicsRequest>,
    ) -> Result<Response<ListPersonTopicsResponse>, Status> {
        Err(nobody_asks())
    }

    async fn explain_person_topic(
        &self,
        _: Request<ExplainPersonTopicRequest>,
    ) -> Result<Response<ExplainPersonTopicResponse>, Status> {
        Err(nobody_asks())
    }

    async fn list_experts(
        &self,
        _: Request<ListExpertsRequest>,
    ) -> Result<Response<ListExpertsResponse>, Status> {
        Err(nobody_asks())
    }

    async fn declare_topics(
        &self,
        _: Request<DeclareTopicsRequest>,
    ) -> Result<Response<DeclareTopicsResponse>, Status> {
        Err(nobody_asks())
    }

    async fn veto_topic(
        &self,
        _: Request<VetoTopicRequest>,
    ) -> Result<Response<VetoTopicResponse>, Status> {
        Err(nobody_asks())
    }

    async fn restore_topic(
        &self,
        _: Request<RestoreTopicRequest>,
    ) -> Result<Response<RestoreTopicResponse>, Status> {
        Err(nobody_asks())
    }

    async fn suggest_topics(
        &self,
        _: Request<SuggestTopicsRequest>,
    ) -> Result<Response<SuggestTopicsResponse>, Status> {
        Err(nobody_asks())
    }

    async fn suggest_content(
        &self,
        _: Request<SuggestContentRequest>,
    ) -> Result<Response<SuggestContentResponse>, Status> {
        Err(nobody_asks())
    }

    async fn get_backlog(
        &self,
        _: Request<GetBacklogRequest>,
    ) -> Result<Response<GetBacklogResponse>, Status> {
        Err(nobody_asks())
    }
}
