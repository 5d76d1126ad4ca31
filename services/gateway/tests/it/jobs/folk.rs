//! Social-graph and scoring, played: who there is by addresses, and who is gone.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use klout_chassis::{Refusal, to_row};
use klout_proto::{
    graph::v1::{
        BatchIdentifyPeopleRequest, BatchIdentifyPeopleResponse, IdentifiedPerson, IdentifyResult,
        ResolvePersonRequest, account_name::Name, graph_service_server::GraphService,
        identify_result,
    },
    score::v1::{
        BatchLookupScoresRequest, BatchLookupScoresResponse, GetScoreRequest, GetScoreResponse,
        LookupResult, Score, get_score_request, lookup_result, lookup_subject::Subject,
        score_service_server::ScoreService,
    },
};
use tonic::{Code, Request, Response, Status};

/// A call as it arrived: for whom, and about how many customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) caller: String,
    pub(super) customers: usize,
}

/// Clones know the same people.
#[derive(Clone, Debug, Default)]
pub(super) struct Folk {
    /// By the hash of an address, or by a handle.
    people: Arc<Mutex<HashMap<String, i64>>>,
    gone: Arc<Mutex<HashSet<i64>>>,
    pub(super) down: Arc<AtomicBool>,
    pub(super) asked: Arc<Mutex<Vec<Asked>>>,
}

// === impl Folk ===

impl Folk {
    pub(super) fn add(&self, email: &str, person: i64) {
        self.people.lock().expect("nobody panics").insert(sha256(email), person);
    }

    pub(super) fn call(&self, handle: &str, person: i64) {
        self.people.lock().expect("nobody panics").insert(handle.to_owned(), person);
    }

    pub(super) fn remove(&self, person: i64) {
        self.gone.lock().expect("nobody panics").insert(person);
    }

    fn is_gone(&self, person: i64) -> bool {
        self.gone.lock().expect("nobody panics").contains(&person)
    }

    fn who(&self, customer: ResolvePersonRequest, clear: bool) -> Result<IdentifiedPerson, Status> {
        let contacts = customer.contacts.unwrap_or_default();
        assert!(contacts.emails.is_empty() && contacts.phones.is_empty(), "{contacts:?}");
        let handles = customer.accounts.into_iter().filter_map(|it| match it.name? {
            Name::Handle(handle) | Name::NativeId(handle) => Some(handle),
        });
        let handles: Vec<String> = handles.collect();
        let hashes = contacts.email_hashes.into_iter().chain(contacts.phone_hashes);
        let people = self.people.lock().expect("nobody panics");
        let by_hashes_alone = !clear && handles.is_empty();
        if handles.iter().any(|it| it == "twins") {
            let refusal = Refusal::new(Code::FailedPrecondition, "HANDLE_AMBIGUOUS");
            return Err(refusal.into_plain_status("two"));
        }
        let found = handles.into_iter().chain(hashes).find_map(|it| people.get(&it).copied());
        match found.filter(|it| !self.is_gone(*it)) {
            Some(person_id) => Ok(IdentifiedPerson {
                person_id,
                likelihood: 0.97,
                matched_on: vec![if clear { "email" } else { "email_hash" }.to_owned()],
                by_hashes_alone,
            }),
            None => Err(nobody()),
        }
    }
}

pub(super) fn sha256(text: &str) -> String {
    klout_contact::hash(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What scoring says of anybody: more digits than everybody is told.
fn score(person: String) -> Score {
    Score {
        state: "KNOWN".to_owned(),
        score: Some(61.57),
        bucket: "60-69".to_owned(),
        percentile: Some(97.25),
        confidence: Some(0.625),
        score_time: Some(prost_types::Timestamp { seconds: 47_655, nanos: 0 }),
        model: "test".to_owned(),
        person,
        ..Score::default()
    }
}

fn nobody() -> Status {
    Refusal::new(Code::NotFound, "PERSON_UNKNOWN").into_plain_status("nobody")
}

fn away() -> Status {
    Refusal::new(Code::Unavailable, "STORE_UNAVAILABLE").into_plain_status("away")
}

#[tonic::async_trait]
impl GraphService for Folk {
    async fn batch_identify_people(
        &self,
        request: Request<BatchIdentifyPeopleRequest>,
    ) -> Result<Response<BatchIdentifyPeopleResponse>, Status> {
        if self.down.load(Ordering::SeqCst) {
            return Err(away());
        }
        let caller = request.metadata().get("klout-caller").and_then(|it| it.to_str().ok());
        let caller = caller.unwrap_or_default().to_owned();
        let BatchIdentifyPeopleRequest { customers, clear } = request.into_inner();
        let asked = Asked { caller, customers: customers.len() };
        self.asked.lock().expect("nobody panics").push(asked);
        let results = (0..).zip(customers).map(|(place, customer)| {
            let result = match self.who(customer, clear.contains(&place)) {
                Ok(person) => identify_result::Result::Person(person),
                Err(status) => identify_result::Result::Status(to_row(&status)),
            };
            IdentifyResult { result: Some(result) }
        });
        Ok(Response::new(BatchIdentifyPeopleResponse { results: results.collect() }))
    }
}

#[tonic::async_trait]
impl ScoreService for Folk {
    async fn get_score(
        &self,
        request: Request<GetScoreRequest>,
    ) -> Result<Response<GetScoreResponse>, Status> {
        let subject = request.into_inner().subject;
        let Some(get_score_request::Subject::Person(person)) = subject else { panic!("a person") };
        Ok(Response::new(GetScoreResponse { score: Some(score(person)) }))
    }

    async fn batch_lookup_scores(
        &self,
        request: Request<BatchLookupScoresRequest>,
    ) -> Result<Response<BatchLookupScoresResponse>, Status> {
        if self.down.load(Ordering::SeqCst) {
            return Err(away());
        }
        let results = request.into_inner().subjects.into_iter().map(|it| {
            let Some(Subject::Person(person)) = it.subject else { panic!("a person") };
            let result = if self.is_gone(person.parse().expect("a number")) {
                lookup_result::Result::Status(to_row(&nobody()))
            } else {
                lookup_result::Result::Score(score(person))
            };
            LookupResult { result: Some(result) }
        });
        Ok(Response::new(BatchLookupScoresResponse { results: results.collect() }))
    }
}
