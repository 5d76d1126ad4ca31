//! Customers who are looked up, and people who are listed, among services that write down what they are asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use klout_chassis::{Clock, Refusal, TokenKey, to_row};
use klout_proto::{
    graph::v1::{
        BatchGetPeopleRequest, BatchGetPeopleResponse, BatchIdentifyPeopleRequest,
        BatchIdentifyPeopleResponse, Contacts, IdentifiedPerson, IdentifyResult, LinkedAccount,
        Person, ResolvePersonRequest,
        graph_service_server::{GraphService, GraphServiceServer},
        identify_result,
    },
    score::v1::{
        BatchLookupScoresRequest, BatchLookupScoresResponse, GetScoreRequest, GetScoreResponse,
        ListTopScoresRequest, ListTopScoresResponse, LookupResult, Score,
        get_score_request::Subject,
        lookup_result, lookup_subject,
        score_service_server::{ScoreService, ScoreServiceServer},
    },
    topic::v1::{
        BatchGetPersonTopicsRequest, BatchGetPersonTopicsResponse, PersonTopicNames,
        topic_service_server::{TopicService, TopicServiceServer},
    },
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use tonic::{Code, Request, Response, Status, service::Routes};

use crate::world::{Answer, World};

const SECRET: &str = "a secret of more than thirty-two characters";

/// Services that know who lives here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Town(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    members: BTreeMap<i64, Member>,
    /// RPCs and for what purpose they were called, in order.
    calls: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Member {
    /// Is their e-mail address too, as far as the played social-graph knows.
    pub(crate) name: String,
    /// `None`: waits to be scored.
    pub(crate) score: Option<f64>,
    pub(crate) country: &'static str,
    pub(crate) city: &'static str,
    pub(crate) networks: &'static [&'static str],
    pub(crate) topics: &'static [&'static str],
    pub(crate) withheld: Option<&'static str>,
    /// Scoring shows them no more.
    pub(crate) left: bool,
}

impl Town {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("not poisoned")
    }

    pub(crate) fn join(&self, person: i64, member: Member) {
        let name = if member.name.is_empty() { format!("p{person}") } else { member.name };
        self.lock().members.insert(person, Member { name, ..member });
    }

    /// So many, with scores that some share.
    pub(crate) fn join_many(&self, people: i64) {
        for person in 1..=people {
            let score = Some(f64::from(i32::try_from(person % 97).expect("small") + 1));
            self.join(person, Member { score, ..Member::default() });
        }
    }

    fn calls(&self) -> Vec<(&'static str, String)> {
        std::mem::take(&mut self.lock().calls)
    }

    fn note<T>(&self, rpc: &'static str, request: &Request<T>) -> String {
        let purpose = request.metadata().get("klout-purpose").and_then(|it| it.to_str().ok());
        let purpose = purpose.unwrap_or("internal").to_owned();
        self.lock().calls.push((rpc, purpose.clone()));
        purpose
    }

    fn scored(&self, person: i64, purpose: &str) -> Option<Score> {
        let town = self.lock();
        let member = town.members.get(&person).filter(|it| !it.left && shown(it, purpose))?;
        Some(score(person, member))
    }
}

fn shown(member: &Member, purpose: &str) -> bool {
    member.withheld.is_none_or(|withheld| withheld != purpose)
}

fn score(person: i64, member: &Member) -> Score {
    let state = if member.score.is_some() { "KNOWN" } else { "PENDING" };
    Score {
        person: person.to_string(),
        state: state.to_owned(),
        score: member.score,
        percentile: member.score.map(|_| 97.25),
        true_reach: member.score.map(|_| 1_234.5),
        model: "test".to_owned(),
        revision_token: format!("s.{person}"),
        ..Score::default()
    }
}

fn nobody() -> Status {
    Refusal::new(Code::NotFound, "PERSON_UNKNOWN").into_plain_status("there is nobody")
}

#[tonic::async_trait]
impl GraphService for Town {
    async fn batch_identify_people(
        &self,
        request: Request<BatchIdentifyPeopleRequest>,
    ) -> Result<Response<BatchIdentifyPeopleResponse>, Status> {
        let purpose = self.note("identify", &request);
        let town = self.lock();
        let who = |customer: ResolvePersonRequest| {
            let Contacts { emails, email_hashes, .. } = customer.contacts.unwrap_or_default();
            let by_hashes_alone = emails.is_empty();
            let named: BTreeSet<_> = emails.into_iter().chain(email_hashes).collect();
            if named.contains("malformed") {
                return Err(Refusal::field("contacts.email", "is no e-mail address")
                    .into_plain_status("`contacts.email`: is no e-mail address"));
            }
            let found = town.members.iter().filter(|it| named.contains(&it.1.name));
            let found: Vec<_> = found.filter(|it| shown(it.1, &purpose)).collect();
            match found[..] {
                [] => Err(nobody()),
                [(person, _)] => Ok(IdentifiedPerson {
                    person_id: *person,
                    likelihood: 0.97,
                    matched_on: vec!["email".to_owned()],
                    by_hashes_alone,
                }),
                [..] => Err(Refusal::new(Code::FailedPrecondition, "PEOPLE_AMBIGUOUS")
                    .into_plain_status("different people")),
            }
        };
        let result = |customer| match who(customer) {
            Ok(person) => identify_result::Result::Person(person),
            Err(status) => identify_result::Result::Status(to_row(&status)),
        };
        let customers = request.into_inner().customers.into_iter();
        let results = customers.map(|it| IdentifyResult { result: Some(result(it)) }).collect();
        Ok(Response::new(BatchIdentifyPeopleResponse { results }))
    }

    async fn batch_get_people(
        &self,
        request: Request<BatchGetPeopleRequest>,
    ) -> Result<Response<BatchGetPeopleResponse>, Status> {
        let purpose = self.note("people", &request);
        let town = self.lock();
        let people = request.into_inner().people.into_iter().filter_map(|person| {
            let member = town.members.get(&person.parse().ok()?)?;
            let account = |network: &&str| LinkedAccount {
                network: (*network).to_owned(),
                ..LinkedAccount::default()
            };
            shown(member, &purpose).then(|| Person {
                person,
                display_name: member.name.clone(),
                country: member.country.to_owned(),
                city: member.city.to_owned(),
                accounts: member.networks.iter().map(account).collect(),
                ..Person::default()
            })
        });
        Ok(Response::new(BatchGetPeopleResponse { people: people.collect() }))
    }
}

#[tonic::async_trait]
impl ScoreService for Town {
    async fn get_score(
        &self,
        request: Request<GetScoreRequest>,
    ) -> Result<Response<GetScoreResponse>, Status> {
        let purpose = self.note("score", &request);
        let Some(Subject::Person(person)) = request.into_inner().subject else {
            return Err(nobody());
        };
        let score = self.scored(person.parse().expect("a person"), &purpose);
        let refused = || {
            let refusal = Refusal::new(Code::NotFound, "PERSON_UNKNOWN").with("person", &person);
            refusal.into_plain_status(format!("there is no person {person}"))
        };
        Ok(Response::new(GetScoreResponse { score: Some(score.ok_or_else(refused)?) }))
    }

    async fn batch_lookup_scores(
        &self,
        request: Request<BatchLookupScoresRequest>,
    ) -> Result<Response<BatchLookupScoresResponse>, Status> {
        let purpose = self.note("scores", &request);
        let results = request.into_inner().subjects.into_iter().map(|it| {
            let Some(lookup_subject::Subject::Person(person)) = it.subject else {
                panic!("people are named by their numbers");
            };
            let result = match self.scored(person.parse().expect("a person"), &purpose) {
                Some(score) => lookup_result::Result::Score(score),
                None => lookup_result::Result::Status(to_row(&nobody())),
            };
            LookupResult { result: Some(result) }
        });
        Ok(Response::new(BatchLookupScoresResponse { results: results.collect() }))
    }

    /// Tokens are places in the ranking.
    async fn list_top_scores(
        &self,
        request: Request<ListTopScoresRequest>,
    ) -> Result<Response<ListTopScoresResponse>, Status> {
        self.note("ranking", &request);
        let ListTopScoresRequest { page_size, page_token, min_score, max_score } =
            request.into_inner();
        let refused = |_| Refusal::field("page_token", "is not ours").into_plain_status("whose?");
        let first = if page_token.is_empty() { 0 } else { page_token.parse().map_err(refused)? };
        let town = self.lock();
        let mut ranked: Vec<_> = town
            .members
            .iter()
            .filter_map(|(person, member)| Some((member.score?, *person, member)))
            .filter(|it| min_score.is_none_or(|min| it.0 >= min))
            .filter(|it| max_score.is_none_or(|max| it.0 <= max))
            .collect();
        ranked.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        let size = usize::try_from(page_size).expect("a size");
        let scores = ranked.iter().skip(first).take(size).map(|it| score(it.1, it.2)).collect();
        let more = ranked.len() > first + size;
        let next_page_token = if more { (first + size).to_string() } else { String::new() };
        Ok(Response::new(ListTopScoresResponse { scores, next_page_token }))
    }
}

#[tonic::async_trait]
impl TopicService for Town {
    async fn batch_get_person_topics(
        &self,
        request: Request<BatchGetPersonTopicsRequest>,
    ) -> Result<Response<BatchGetPersonTopicsResponse>, Status> {
        self.note("topics", &request);
        let BatchGetPersonTopicsRequest { people, topics_max, topic } = request.into_inner();
        if !["", "rust", "coffee"].contains(&topic.as_str()) {
            let refusal = Refusal::new(Code::NotFound, "TOPIC_UNKNOWN").with("topic", topic);
            return Err(refusal.into_plain_status("there is no such topic"));
        }
        let town = self.lock();
        let people = people.into_iter().map(|person| {
            let member = town.members.get(&person.parse().expect("a person"));
            let topics = member.map(|it| it.topics).unwrap_or_default();
            let max = usize::try_from(topics_max).expect("a number");
            PersonTopicNames {
                person,
                topics: topics.iter().take(max).map(|it| (*it).to_owned()).collect(),
                has_topic: topics.contains(&topic.as_str()),
            }
        });
        Ok(Response::new(BatchGetPersonTopicsResponse { people: people.collect() }))
    }
}

pub(crate) async fn town() -> (World, Town) {
    town_with(&[]).await
}

pub(crate) async fn town_with(settings: &[(&'static str, &str)]) -> (World, Town) {
    let town = Town::default();
    let routes = Routes::new(ScoreServiceServer::new(town.clone()))
        .add_service(GraphServiceServer::new(town.clone()))
        .add_service(TopicServiceServer::new(town.clone()));
    let key = "ab".repeat(32);
    let mut all = vec![
        ("server.dev", "false"),
        ("server.token_secret", SECRET),
        ("server.account_key", &key),
    ];
    all.extend(settings);
    (World::start_among(routes, &all).await, town)
}

pub(crate) fn token(purpose: &str) -> String {
    TokenKey::new(SECRET.as_bytes())
        .mint("acme", purpose, Clock::running().now(), Duration::HOUR)
        .expect("a token")
}

async fn look_up(world: &World, purpose: &str, body: Value) -> Answer {
    let key = token(purpose);
    let headers = [("x-api-key", key.as_str())];
    world.send(Method::POST, "/v1/people:score", &headers, &body.to_string()).await
}

async fn list(world: &World, purpose: &str, query: &str) -> Answer {
    let key = token(purpose);
    let headers = [("x-api-key", key.as_str())];
    world.send(Method::GET, &format!("/v1/people?{query}"), &headers, "").await
}

fn by_email(email: &str) -> Value {
    json!({"contacts": {"emails": [email]}})
}

fn ids(answer: &Answer) -> Vec<String> {
    let people = answer.json["people"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
    let id = |it: &Value| it["score"]["person"].as_str().expect("a person").to_owned();
    people.iter().map(id).collect()
}

/// All pages.
pub(crate) async fn list_all(world: &World, query: &str) -> Vec<String> {
    let (mut people, mut token) = (Vec::new(), String::new());
    loop {
        let page = list(world, "crm", &format!("{query}&pageToken={token}")).await;
        people.extend(ids(&page));
        token = page.json["nextPageToken"].as_str().expect("a token").to_owned();
        if token.is_empty() {
            return people;
        }
    }
}

#[tokio::test]
async fn somebody_is_found_with_how_sure_that_is_and_until_when_it_may_be_kept() {
    let (world, town) = town().await;
    town.join(50, Member { name: "dee".to_owned(), score: Some(61.54), ..Member::default() });

    let answer = look_up(&world, "customer care", by_email("dee")).await;

    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json["match"], json!({"likelihood": 0.97, "matchedOn": ["email"]}));
    assert_eq!(answer.json["score"]["person"], "50");
    assert_eq!(answer.json["score"]["score"], 61.54);
    let expire_time = answer.json["expireTime"].as_str().expect("a time");
    let expire_time = OffsetDateTime::parse(expire_time, &Rfc3339).expect("a time");
    let kept = expire_time - Clock::running().now();
    assert!(kept > Duration::hours(23) && kept <= Duration::hours(24), "{kept}");
    let purpose = "customer care".replace(' ', "%20");
    assert_eq!(town.calls(), [("identify", purpose.clone()), ("score", purpose)]);
}

#[tokio::test]
async fn a_hash_in_yields_no_identity_out() {
    let (world, town) = town().await;
    town.join(987_654, Member { name: "dee".to_owned(), score: Some(61.54), ..Member::default() });

    let answer = look_up(&world, "crm", json!({"contacts": {"emailHashes": ["dee"]}})).await;

    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(!answer.text.contains("987654"), "{}", answer.text);
    let score = &answer.json["score"];
    assert_eq!((&score["person"], &score["revisionToken"]), (&json!(""), &json!("")));
    // Nor by what is on no other list in the same way.
    assert_eq!((&score["score"], &score["percentile"]), (&json!(61.5), &json!(97.0)));
    assert_eq!(score.get("trueReach"), None);
}

#[tokio::test]
async fn who_is_hidden_or_has_left_is_answered_like_nobody_after_the_same_calls() {
    let (world, town) = town().await;
    let hidden = Member { withheld: Some("crm"), score: Some(5.0), ..Member::default() };
    town.join(51, Member { name: "hidden".to_owned(), ..hidden.clone() });
    town.join(52, Member { name: "leaving".to_owned(), left: true, ..Member::default() });

    let mut answers = Vec::new();
    for name in ["hidden", "nobody"] {
        let body = json!({"contacts": {"emails": [name], "emailHashes": [name]}});
        let begun = Instant::now();
        let mut answer = look_up(&world, "crm", body).await;
        assert!(begun.elapsed() >= Duration::milliseconds(20), "what took less is not seen");
        answer.headers.remove("date");
        answers.push((answer.status, answer.headers, answer.text, town.calls()));
    }
    let leaving = look_up(&world, "crm", by_email("leaving")).await;

    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, StatusCode::NOT_FOUND);
    assert_eq!(answers[0].3, [("identify", "crm".to_owned())]);
    assert_eq!(leaving.text, answers[1].2, "whoever has just left has left no number either");
    assert_eq!(leaving.json["reason"], "PERSON_UNKNOWN");
    let shown = look_up(&world, "research", by_email("hidden")).await;
    assert_eq!(shown.status, StatusCode::OK, "to another purpose they consent");
}

#[tokio::test]
async fn who_waits_to_be_scored_is_accepted_and_asked_for_again() {
    let (world, town) = town().await;
    town.join(53, Member { name: "new".to_owned(), ..Member::default() });
    let answer = look_up(&world, "crm", by_email("new")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(answer.json["score"]["state"], "PENDING");
    assert!(answer.json["score"].get("score").is_none());
}

#[tokio::test]
async fn a_look_up_is_for_what_the_key_is_for() {
    let (world, town) = town().await;
    let member = Member { name: "dee".to_owned(), score: Some(61.5), ..Member::default() };
    town.join(50, Member { withheld: Some("research"), ..member });
    let with = |purpose: &str| {
        let mut body = by_email("dee");
        body["purpose"] = json!(purpose);
        body
    };

    for purpose in ["crm", "Customer Care", ""] {
        let answer = look_up(&world, "customer care", with(purpose)).await;
        assert_eq!(answer.status, StatusCode::OK, "{purpose} {answer:?}");
    }
    town.calls();
    for purpose in ["perks", "operator", "internal", "marketing", "hiring"] {
        let answer = look_up(&world, "customer care", with(purpose)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{purpose} {answer:?}");
        assert_eq!(answer.json["reason"], "PURPOSE_NOT_KEYS");
    }
    assert!(town.calls().is_empty(), "nobody is asked for those");
    // An operator may see what others see.
    assert_eq!(look_up(&world, "operator", with("")).await.status, StatusCode::OK);
    let as_others = look_up(&world, "operator", with("research")).await;
    assert_eq!(as_others.status, StatusCode::NOT_FOUND, "{as_others:?}");
    let refused = look_up(&world, "operator", with("hiring")).await;
    assert_eq!(refused.json["reason"], "PURPOSE_NOT_KEYS");
}

#[tokio::test]
async fn a_look_up_that_names_nobody_or_several_is_refused() {
    let (world, town) = town().await;
    town.join(50, Member { name: "ann".to_owned(), ..Member::default() });
    town.join(51, Member { name: "bob".to_owned(), ..Member::default() });
    for (body, status, reason) in [
        (json!({}), StatusCode::BAD_REQUEST, "FIELD_INVALID"),
        (json!({"contacts": {}}), StatusCode::BAD_REQUEST, "FIELD_INVALID"),
        (by_email("malformed"), StatusCode::BAD_REQUEST, "FIELD_INVALID"),
        (json!({"email": "ann"}), StatusCode::BAD_REQUEST, "MESSAGE_MALFORMED"),
        (json!({"contacts": {"emails": ["ann", "bob"]}}), StatusCode::CONFLICT, "PEOPLE_AMBIGUOUS"),
    ] {
        let answer = look_up(&world, "crm", body.clone()).await;
        assert_eq!((answer.status, &answer.json["reason"]), (status, &json!(reason)), "{body}");
    }
}

#[tokio::test]
async fn a_list_is_complete_and_in_order_whatever_the_page() {
    let (world, town) = town().await;
    town.join_many(250);
    let all = list_all(&world, "pageSize=1000").await;

    assert_eq!(all.len(), 250);
    for size in [1, 7, 100, 250] {
        assert_eq!(list_all(&world, &format!("pageSize={size}")).await, all, "{size} a page");
    }
    let best: Vec<i64> = all.iter().map(|it| it.parse().expect("a person")).collect();
    assert_eq!(best[..3], [96, 193, 95], "best first, equals by their ids");
    let some = list_all(&world, "pageSize=9&minScore=10&maxScore=20.5").await;
    assert!(some.iter().all(|it| (9..20).contains(&(it.parse::<i64>().expect("one") % 97))));
    assert_eq!(some.len(), all.iter().filter(|it| some.contains(it)).count());
    assert!(some.len() > 20);
}

#[tokio::test]
async fn a_list_has_who_fits_by_place_network_and_topic() {
    let (world, town) = town().await;
    town.join_many(40);
    let ann = Member {
        country: "DE",
        city: "Köln",
        networks: &["github", "bluesky"],
        ..Member::default()
    };
    let topics = &["rust", "coffee"];
    for (person, score) in [(100, 30.0), (101, 50.5), (102, 40.0)] {
        town.join(person, Member { score: Some(score), topics, ..ann.clone() });
    }
    town.join(
        103,
        Member { country: "AT", score: Some(90.0), topics: &["coffee"], ..Member::default() },
    );

    for query in [
        "country=de",
        "city=k%C3%B6LN",
        "network=github",
        "topic=rust",
        "country=DE&city=K%C3%B6ln&network=bluesky&topic=coffee",
    ] {
        assert_eq!(list_all(&world, query).await, ["101", "102", "100"], "{query}");
        for size in [1, 2] {
            let paged = list_all(&world, &format!("{query}&pageSize={size}")).await;
            assert_eq!(paged, ["101", "102", "100"], "{query} by {size}");
        }
    }
    assert_eq!(list_all(&world, "topic=coffee&minScore=50").await, ["103", "101"]);
    let listed = &list(&world, "crm", "topic=rust").await.json["people"][0];
    assert_eq!(listed["networks"], json!(["bluesky", "github"]));
    assert_eq!((&listed["topics"], &listed["city"]), (&json!(["rust", "coffee"]), &json!("Köln")));
    assert_eq!(listed["displayName"], "p101");
}

#[tokio::test]
async fn who_does_not_consent_or_has_left_since_is_not_listed_and_only_who_is_shown_is_asked_for() {
    let (world, town) = town().await;
    let de = Member { country: "DE", ..Member::default() };
    town.join(1, Member { score: Some(90.0), withheld: Some("crm"), ..de.clone() });
    town.join(2, Member { score: Some(80.0), left: true, ..de.clone() });
    town.join(3, Member { score: Some(70.0), ..de });
    town.join(4, Member { score: Some(60.0), country: "AT", ..Member::default() });

    assert_eq!(ids(&list(&world, "crm", "country=DE").await), ["3"]);

    let on_behalf: Vec<_> = town.calls().into_iter().filter(|it| it.1 == "crm").collect();
    assert_eq!(on_behalf, [("people", "crm".to_owned()), ("scores", "crm".to_owned())]);
    assert_eq!(ids(&list(&world, "operator", "country=DE").await), ["1", "3"]);
    assert_eq!(ids(&list(&world, "crm", "").await), ["3", "4"]);
}

#[tokio::test]
async fn the_work_for_a_page_is_bounded_and_the_next_one_goes_on() {
    let (world, town) = town().await;
    town.join_many(25_000);
    town.join(30_000, Member { score: Some(0.5), country: "DE", ..Member::default() });

    let first = list(&world, "crm", "country=DE").await;

    assert!(ids(&first).is_empty());
    assert!(!first.json["nextPageToken"].as_str().expect("a token").is_empty());
    let rankings = town.calls().into_iter().filter(|it| it.0 == "ranking").count();
    assert_eq!(rankings, 10, "thousand at a time");
    assert_eq!(list_all(&world, "country=DE").await, ["30000"]);
    // Who asks for a low score begins there.
    town.calls();
    assert_eq!(ids(&list(&world, "crm", "country=DE&maxScore=0.9").await), ["30000"]);
    assert_eq!(town.calls().into_iter().filter(|it| it.0 == "ranking").count(), 1);
}

#[tokio::test]
async fn what_cannot_be_listed_is_refused() {
    let (world, _) = town().await;
    for query in [
        "minScore=x",
        "minScore=NaN",
        "maxScore=inf",
        "minScore=2&maxScore=1",
        "country=Germany",
        "network=not%20one",
        "pageSize=-1",
        "pageToken=~",
        "pageToken=x",
        "page=1",
    ] {
        for accept in ["application/json", "text/csv"] {
            let key = token("crm");
            let headers = [("x-api-key", key.as_str()), ("accept", accept)];
            let path = format!("/v1/people?{query}");
            let answer = world.send(Method::GET, &path, &headers, "").await;
            assert_eq!(answer.json["reason"], "FIELD_INVALID", "{query} {answer:?}");
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        }
    }
    let answer = list(&world, "crm", "topic=nonsense").await;
    assert_eq!(
        (answer.status, &answer.json["reason"]),
        (StatusCode::NOT_FOUND, &json!("TOPIC_UNKNOWN"))
    );
    let answer = world.get("/v1/people").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
