//! Whoever knows people, as far as perks ask: everybody is a member with a score.

use klout_proto::{
    graph::v1::{
        BatchCountPlusKRequest, BatchCountPlusKResponse, GetPersonRequest, GetPersonResponse,
        Person,
    },
    score::v1::{GetScoreRequest, GetScoreResponse, Score, get_score_request},
    topic::v1::{ListPersonTopicsRequest, ListPersonTopicsResponse},
};
use klout_testkit::unary;
use tonic::{Status, service::Routes};

/// Everybody has 50, but each tenth has 38.
pub(super) fn routes() -> Routes {
    let person = |request: GetPersonRequest| {
        let person =
            Person { person: request.person, state: "MEMBER".to_owned(), ..Default::default() };
        Ok(GetPersonResponse { person: Some(person) })
    };
    let score = |request: GetScoreRequest| {
        let Some(get_score_request::Subject::Person(person)) = request.subject else {
            return Err(Status::invalid_argument("perks name people"));
        };
        let score = Some(if person.ends_with('0') { 38.0 } else { 50.0 });
        let state = "KNOWN".to_owned();
        Ok(GetScoreResponse { score: Some(Score { person, state, score, ..Default::default() }) })
    };
    let topics = |_: ListPersonTopicsRequest| Ok(ListPersonTopicsResponse::default());
    let plus_k = |request: BatchCountPlusKRequest| {
        Ok(BatchCountPlusKResponse { counts: vec![0; request.people.len()] })
    };
    let all = [
        unary("/klout.graph.v1.GraphService/GetPerson", person),
        unary("/klout.score.v1.ScoreService/GetScore", score),
        unary("/klout.topic.v1.TopicService/ListPersonTopics", topics),
        unary("/klout.graph.v1.PlusKService/BatchCountPlusK", plus_k),
    ];
    let all = all.map(Routes::into_axum_router).into_iter();
    Routes::from(all.reduce(|all, one| all.merge(one)).expect("some"))
}
