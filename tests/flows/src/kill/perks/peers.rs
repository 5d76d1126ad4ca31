//! Whoever knows people, as far as perks ask: everybody is a member with a score.

use klout_proto::{
    graph::v1::{
        BatchCountPlusKRequest, BatchCountPlusKResponse, BatchGetPeopleRequest,
        BatchGetPeopleResponse, GetPersonRequest, GetPersonResponse, Person,
    },
    score::v1::{
        BatchLookupScoresRequest, BatchLookupScoresResponse, LookupResult, LookupSubject, Score,
        lookup_result, lookup_subject,
    },
    topic::v1::{BatchGetPersonTopicsRequest, BatchGetPersonTopicsResponse, PersonTopicNames},
};
use klout_testkit::unary;
use tonic::{Status, service::Routes};

/// Everybody has 50, but each tenth has 38.
pub(super) fn routes() -> Routes {
    let one =
        |request: GetPersonRequest| Ok(GetPersonResponse { person: Some(member(request.person)) });
    let people = |request: BatchGetPeopleRequest| {
        Ok(BatchGetPeopleResponse { people: request.people.into_iter().map(member).collect() })
    };
    let scores = |request: BatchLookupScoresRequest| {
        let results = request.subjects.into_iter().map(score).collect::<Result<_, _>>()?;
        Ok(BatchLookupScoresResponse { results })
    };
    let topics = |request: BatchGetPersonTopicsRequest| {
        let none = |person| PersonTopicNames { person, ..Default::default() };
        Ok(BatchGetPersonTopicsResponse { people: request.people.into_iter().map(none).collect() })
    };
    let plus_k = |request: BatchCountPlusKRequest| {
        Ok(BatchCountPlusKResponse { counts: vec![0; request.people.len()] })
    };
    let all = [
        unary("/klout.graph.v1.GraphService/GetPerson", one),
        unary("/klout.graph.v1.GraphService/BatchGetPeople", people),
        unary("/klout.score.v1.ScoreService/BatchLookupScores", scores),
        unary("/klout.topic.v1.TopicService/BatchGetPersonTopics", topics),
        unary("/klout.graph.v1.PlusKService/BatchCountPlusK", plus_k),
    ];
    let all = all.map(Routes::into_axum_router).into_iter();
    Routes::from(all.reduce(|all, one| all.merge(one)).expect("some"))
}

fn member(person: String) -> Person {
    Person { person, state: "MEMBER".to_owned(), ..Default::default() }
}

fn score(subject: LookupSubject) -> Result<LookupResult, Status> {
    let Some(lookup_subject::Subject::Person(person)) = subject.subject else {
        return Err(Status::invalid_argument("perks name people"));
    };
    let score = Some(if person.ends_with('0') { 38.0 } else { 50.0 });
    let state = "KNOWN".to_owned();
    let score = Score { person, state, score, ..Default::default() };
    Ok(LookupResult { result: Some(lookup_result::Result::Score(score)) })
}
