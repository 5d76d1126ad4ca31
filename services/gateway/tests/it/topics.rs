//! Topics: a service that is played, what is asked of it over REST and gRPC, and its pages.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use klout_chassis::{Refusal, reason};
use klout_proto::topic::v1::{
    CountedLabel, DeclareTopicsRequest, DeclareTopicsResponse, Expert, ExplainPersonTopicRequest,
    ExplainPersonTopicResponse, GetTopicRequest, GetTopicResponse, ListExpertsRequest,
    ListExpertsResponse, ListPersonTopicsRequest, ListPersonTopicsResponse, ListTopicsRequest,
    ListTopicsResponse, MatchTextRequest, MatchTextResponse, PersonTopic, RelatedTopic,
    RestoreTopicRequest, RestoreTopicResponse, SuggestContentRequest, SuggestContentResponse,
    SuggestTopicsRequest, SuggestTopicsResponse, SuggestedTopic, TextTopic, Topic,
    VetoTopicRequest, VetoTopicResponse, topic_service_client::TopicServiceClient,
    topic_service_server::TopicService,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tonic::{Code, Request, Response, Status};

use crate::{
    people::{DEE, EVE, KIT},
    world::{ANN, Answer, World},
};

/// The played topics: `technology` with its part `rust`, and `faith`, which is sensitive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topics {
    /// What was asked for experts.
    asked: Arc<Mutex<Vec<ListExpertsRequest>>>,
    /// Vetoes and restored topics, in words.
    said: Arc<Mutex<Vec<String>>>,
    /// Whether there is no ontology yet.
    empty: Arc<AtomicBool>,
}

fn topic(slug: &str) -> Result<Topic, Status> {
    let (id, parents, descendants, level) = match slug {
        "technology" | "1" => (1, vec![], 2, 1),
        "rust" | "18446744073709551615" => (u64::MAX, vec!["1".to_owned()], 0, 2),
        "databases" | "3" => (3, vec!["1".to_owned()], 0, 2),
        "faith" | "4" => (4, vec![], 0, 1),
        _ => {
            let refusal = Refusal::new(Code::NotFound, "TOPIC_UNKNOWN").with("topic", slug);
            return Err(refusal.into_plain_status("there is no such topic"));
        }
    };
    let slug = match id {
        1 => "technology",
        3 => "databases",
        4 => "faith",
        _ => "rust",
    };
    Ok(Topic {
        topic: id.to_string(),
        slug: slug.to_owned(),
        display_name: if slug == "rust" { "Rust & <friends>".to_owned() } else { slug.to_owned() },
        language: "en".to_owned(),
        parents,
        level,
        descendants,
        sensitive: slug == "faith",
        description: format!("What belongs to {slug}"),
        ..Topic::default()
    })
}

fn of_person(slug: &str, states: &[&str], score: Option<f64>) -> Result<PersonTopic, Status> {
    Ok(PersonTopic {
        topic: Some(topic(slug)?),
        states: states.iter().map(|it| (*it).to_owned()).collect(),
        score,
        rank: score.map(|_| 3),
        people: 12,
        posts: 1,
        networks: vec!["bluesky".to_owned(), "github".to_owned()],
        words: ["rust people", "#rust", "<b>borrow checker"].map(str::to_owned).to_vec(),
        ..PersonTopic::default()
    })
}

#[tonic::async_trait]
impl TopicService for Topics {
    async fn list_topics(
        &self,
        request: Request<ListTopicsRequest>,
    ) -> Result<Response<ListTopicsResponse>, Status> {
        let ListTopicsRequest { query, parent, level_max, .. } = request.into_inner();
        if self.empty.load(Ordering::SeqCst) {
            return Ok(Response::new(ListTopicsResponse::default()));
        }
        let all = ["databases", "faith", "rust", "technology"].map(topic);
        let all = all.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter();
        let topics = all.filter(|it| {
            it.slug.starts_with(&query)
                && (parent.is_empty() || it.parents.contains(&parent))
                && (level_max == 0 || it.level <= level_max)
        });
        let edition = "test/1".to_owned();
        let topics = topics.collect();
        Ok(Response::new(ListTopicsResponse { topics, next_page_token: String::new(), edition }))
    }

    async fn get_topic(
        &self,
        request: Request<GetTopicRequest>,
    ) -> Result<Response<GetTopicResponse>, Status> {
        let topic = topic(&request.into_inner().topic)?;
        let related = RelatedTopic { topic: Some(self::topic("databases")?), strength: 0.5 };
        let related = vec![related];
        Ok(Response::new(GetTopicResponse { topic: Some(topic), related, people: 1_234 }))
    }

    async fn match_text(
        &self,
        request: Request<MatchTextRequest>,
    ) -> Result<Response<MatchTextResponse>, Status> {
        let words = vec![request.into_inner().text];
        let found = TextTopic { topic: Some(topic("rust")?), weight: 1.0, words };
        let language = "en".to_owned();
        Ok(Response::new(MatchTextResponse { topics: vec![found], language }))
    }

    async fn list_person_topics(
        &self,
        request: Request<ListPersonTopicsRequest>,
    ) -> Result<Response<ListPersonTopicsResponse>, Status> {
        let ListPersonTopicsRequest { person, include_vetoed, .. } = request.into_inner();
        let mut topics = match person.as_str() {
            ANN | DEE => vec![
                of_person("rust", &["earned", "declared"], Some(61.54))?,
                of_person("databases", &["declared"], None)?,
            ],
            EVE => vec![],
            _ => return Err(Status::unavailable("not for them")),
        };
        if include_vetoed {
            topics.push(of_person("faith", &["vetoed"], None)?);
        }
        let next_page_token = String::new();
        Ok(Response::new(ListPersonTopicsResponse { topics, next_page_token }))
    }

    async fn explain_person_topic(
        &self,
        request: Request<ExplainPersonTopicRequest>,
    ) -> Result<Response<ExplainPersonTopicResponse>, Status> {
        let explained = of_person("rust", &["earned"], Some(61.54))?;
        let asked = topic(&request.into_inner().topic)?;
        assert_eq!(Some(asked), explained.topic);
        Ok(Response::new(ExplainPersonTopicResponse {
            topic: Some(explained),
            labels: vec![CountedLabel { label: "rust people".to_owned(), people: 4 }],
            ..ExplainPersonTopicResponse::default()
        }))
    }

    async fn list_experts(
        &self,
        request: Request<ListExpertsRequest>,
    ) -> Result<Response<ListExpertsResponse>, Status> {
        let request = request.into_inner();
        let topic = Some(topic(&request.topic)?);
        let nobody = request.country == "FR";
        let first = request.page_token.is_empty();
        self.asked.lock().expect("not poisoned").push(request);
        let expert = |person: &str, rank, mostly: &str| {
            Ok::<_, Status>(Expert {
                person: person.to_owned(),
                score: 61.54,
                rank,
                people: 2_345,
                mostly: Some(self::topic(mostly)?),
                country: "DE".to_owned(),
                city: "Bremen".to_owned(),
                ..Expert::default()
            })
        };
        // 7 has just left.
        let experts =
            vec![expert(DEE, 1, "rust")?, expert("7", 2, "rust")?, expert(ANN, 3, "technology")?];
        let experts = if nobody || !first { Vec::new() } else { experts };
        let next_page_token = if nobody || !first { "" } else { "a&b" }.to_owned();
        Ok(Response::new(ListExpertsResponse { experts, next_page_token, topic }))
    }

    async fn declare_topics(
        &self,
        request: Request<DeclareTopicsRequest>,
    ) -> Result<Response<DeclareTopicsResponse>, Status> {
        let topics = request.into_inner().topics.into_iter();
        let topics = topics.map(|it| of_person(&it.topic, &["declared"], None));
        Ok(Response::new(DeclareTopicsResponse { topics: topics.collect::<Result<_, _>>()? }))
    }

    async fn veto_topic(
        &self,
        request: Request<VetoTopicRequest>,
    ) -> Result<Response<VetoTopicResponse>, Status> {
        let VetoTopicRequest { person, topic } = request.into_inner();
        self.said.lock().expect("not poisoned").push(format!("{person} vetoed {topic}"));
        Ok(Response::new(VetoTopicResponse {}))
    }

    async fn restore_topic(
        &self,
        request: Request<RestoreTopicRequest>,
    ) -> Result<Response<RestoreTopicResponse>, Status> {
        let RestoreTopicRequest { person, topic } = request.into_inner();
        self.said.lock().expect("not poisoned").push(format!("{person} restored {topic}"));
        Ok(Response::new(RestoreTopicResponse {}))
    }

    async fn suggest_topics(
        &self,
        request: Request<SuggestTopicsRequest>,
    ) -> Result<Response<SuggestTopicsResponse>, Status> {
        let explanation = format!("for {}", request.into_inner().person);
        let topics = vec![SuggestedTopic { explanation, ..SuggestedTopic::default() }];
        Ok(Response::new(SuggestTopicsResponse { topics }))
    }

    async fn suggest_content(
        &self,
        _: Request<SuggestContentRequest>,
    ) -> Result<Response<SuggestContentResponse>, Status> {
        Ok(Response::new(SuggestContentResponse::default()))
    }
}

fn assert_page(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    assert!(!answer.text.contains("<script") && !answer.text.contains("<b>"), "{answer:?}");
}

fn assert_shown(answer: &Answer, shown: &[&str]) {
    for text in shown {
        assert!(answer.text.contains(text), "no {text}: {}", answer.text);
    }
}

#[tokio::test]
async fn topics_are_read_over_rest() {
    let world = World::start().await;
    let listed = world.get("/v1/topics?query=rus&language=de&pageSize=5").await;
    assert_eq!(listed.status, StatusCode::OK, "{listed:?}");
    assert_eq!(listed.json["topics"][0]["topic"], "18446744073709551615", "a string");
    assert_eq!(listed.json["edition"], "test/1");
    let found = world.get("/v1/topics/rust").await;
    assert_eq!(found.json["topic"]["slug"], "rust");
    assert_eq!(found.json["related"][0]["topic"]["slug"], "databases");
    let unknown = world.get("/v1/topics/nothing").await;
    assert_eq!(
        (unknown.status, &unknown.json["reason"]),
        (StatusCode::NOT_FOUND, &json!("TOPIC_UNKNOWN"))
    );

    let experts = world.get("/v1/topics/rust/experts?country=DE&city=Bremen&network=bluesky").await;
    assert_eq!(experts.json["experts"][0]["person"], DEE);
    let asked = world.topics.asked.lock().expect("not poisoned")[0].clone();
    let only = (asked.country.as_str(), asked.city.as_str(), asked.network.as_str());
    assert_eq!(only, ("DE", "Bremen", "bluesky"));

    let matched = world.post("/v1/topics:match", json!({"text": "a borrow checker"})).await;
    assert_eq!(matched.json["topics"][0]["words"], json!(["a borrow checker"]));
}

#[tokio::test]
async fn what_a_person_has_to_do_with_topics_is_read_and_said_over_rest() {
    let world = World::start().await;
    let listed = world.get("/v1/people/42/topics").await;
    assert_eq!(listed.json["topics"][0]["score"], 61.54);
    assert!(listed.json["topics"][1].get("score").is_none(), "declared is not earned");
    let explained = world.get("/v1/people/42/topics/rust").await;
    assert_eq!(explained.json["labels"][0]["label"], "rust people");
    let declared = json!({"topics": [{"topic": "databases", "influencers": [{"person": "50"}]}]});
    let declared = world.post("/v1/people/42/topics", declared).await;
    assert_eq!(declared.json["topics"][0]["states"], json!(["declared"]));
    for what in ["veto", "restore"] {
        let answer = world.post(&format!("/v1/people/42/topics/rust/{what}"), "").await;
        assert_eq!((answer.status, &answer.json), (StatusCode::OK, &json!({})));
    }
    let said = world.topics.said.lock().expect("not poisoned").clone();
    assert_eq!(said, ["42 vetoed rust", "42 restored rust"]);
    let suggested = world.get("/v1/people/42/topicSuggestions?pageSize=3").await;
    assert_eq!(suggested.json["topics"][0]["explanation"], "for 42");
    let suggested = world.get("/v1/people/42/contentSuggestions?topic=rust").await;
    assert_eq!(suggested.json, json!({"content": []}));
}

#[tokio::test]
async fn a_person_is_read_and_moves_over_rest() {
    let world = World::start().await;
    let found = world.get("/v1/people/50").await;
    assert_eq!(found.json["accounts"][0]["handle"], "dee.example");
    let patch = async |body: Value| {
        world.send(Method::PATCH, "/v1/people/50", &[], &body.to_string()).await.json
    };
    let moved = patch(json!({"country": "DE", "city": "Bremen"})).await;
    assert_eq!((&moved["person"], &moved["country"]), (&json!("50"), &json!("DE")));
    assert_eq!(patch(json!({})).await["country"], "as before", "what is absent stays");
    assert_eq!(patch(json!({"country": ""})).await["country"], "", "and what is empty goes");
    assert_eq!(patch(json!({"person": "51"})).await["reason"], "FIELD_INVALID");
}

#[tokio::test]
async fn what_somebody_vetoed_is_shown_to_operators_alone() {
    let (secret, key) = ("x".repeat(40), "ab".repeat(32));
    let world = World::start_with(&[
        ("server.dev", "false"),
        ("server.token_secret", &secret),
        ("server.account_key", &key),
    ])
    .await;
    let bearer = |purpose: &str| {
        let token = klout_chassis::TokenKey::new(secret.as_bytes());
        let now = klout_chassis::Clock::running().now();
        let token = token.mint("somebody", purpose, now, time::Duration::hours(1));
        format!("Bearer {}", token.expect("a token"))
    };
    let rest = async |purpose: &str, query: &str| {
        let header = bearer(purpose);
        let path = format!("/v1/people/42/topics{query}");
        world.send(Method::GET, &path, &[("authorization", &header)], "").await
    };
    let channel = tonic::transport::Endpoint::from_shared(world.url("")).expect("an address");
    let client = TopicServiceClient::new(channel.connect().await.expect("connected"));
    let grpc = async |purpose: &str, include_vetoed| {
        let request = ListPersonTopicsRequest {
            person: ANN.to_owned(),
            include_vetoed,
            ..Default::default()
        };
        let mut request = Request::new(request);
        let header = bearer(purpose).parse().expect("a header");
        request.metadata_mut().insert("authorization", header);
        let mut client = client.clone();
        client.list_person_topics(request).await.map(|it| it.into_inner().topics.len())
    };

    let refused = rest("look-ups", "?includeVetoed=true").await;
    assert_eq!(
        (refused.status, &refused.json["reason"]),
        (StatusCode::BAD_REQUEST, &json!("FIELD_INVALID"))
    );
    assert_eq!(refused.json["metadata"]["field"], "include_vetoed");
    for (purpose, query, count) in [
        ("look-ups", "", 2),
        ("look-ups", "?includeVetoed=false", 2),
        ("operator", "?includeVetoed=true", 3),
    ] {
        let answer = rest(purpose, query).await;
        assert_eq!(answer.json["topics"].as_array().map(Vec::len), Some(count), "{answer:?}");
    }
    let refused = grpc("look-ups", true).await.expect_err("not theirs to see");
    assert_eq!(
        (refused.code(), reason(&refused).as_deref()),
        (Code::InvalidArgument, Some("FIELD_INVALID"))
    );
    assert_eq!(grpc("look-ups", false).await.expect("answered"), 2);
    assert_eq!(grpc("operator", true).await.expect("answered"), 3);
}

#[tokio::test]
async fn a_profile_tells_what_somebody_is_known_for_and_apart_what_they_declare() {
    let world = World::start().await;
    let answer = world.get(&format!("/people/{DEE}")).await;
    assert_page(&answer);
    assert_shown(
        &answer,
        &[
            "<h2>Topics</h2>",
            "<a href=\"/topics/rust\"><bdi>Rust &#38; &#60;friends&#62;</bdi></a>",
            "Rank 3 · by 12 people and 1 post on bluesky and github · declared too",
            "<q><bdi>rust people</bdi></q> <q><bdi>#rust</bdi></q> <q><bdi>&#60;b&#62;borrow checker</bdi></q>",
            "Topic score </span>61<span class=\"tenth\">.5</span>",
            "<h3>Declared, without enough evidence so far</h3>",
            "<li><a href=\"/topics/databases\"><bdi>databases</bdi></a></li>",
        ],
    );
}

#[tokio::test]
async fn a_profile_tells_who_influences_whom() {
    let world = World::start().await;
    let answer = world.get(&format!("/people/{DEE}")).await;
    assert_page(&answer);
    assert_shown(
        &answer,
        &[
            "<h2>Influence</h2>",
            "<caption>Influenced by</caption>",
            "<bdi>ann</bdi></a> <span class=\"none\">both ways, on bluesky, about rust</span>",
            "<rect width=\"25.0%\" height=\"100%\"/></svg></th><td>2.0</td>",
            "<caption>Influences</caption>",
        ],
    );
    let answer = world.get(&format!("/people/{EVE}")).await;
    assert_shown(&answer, &["Nobody yet: that takes reactions of other members"]);
    let answer = world.get(&format!("/people/{KIT}")).await;
    assert_page(&answer);
    assert!(!answer.text.contains("<h2>Influence</h2>"), "{answer:?}");

    let listed = world.get(&format!("/v1/people/{DEE}/influencers?pageSize=5")).await;
    assert_eq!(listed.status, StatusCode::OK, "{listed:?}");
    assert_eq!(listed.json["influencers"][0]["direction"], "MUTUAL");
    let listed = world.get(&format!("/v1/people/{DEE}/influencees")).await;
    assert_eq!(listed.json["influencees"][0]["strength"], 1.5);
}

#[tokio::test]
async fn a_profile_tells_what_was_vouched_for_and_what_thanks_are_for_all() {
    let world = World::start().await;
    let answer = world.get(&format!("/people/{DEE}")).await;
    assert_page(&answer);
    assert_shown(
        &answer,
        &[
            "<h2>+K</h2>",
            "1,234 received",
            "<a href=\"/topics/rust\"><bdi>rust</bdi></a>",
            "<rect width=\"2.8%\" height=\"100%\"/></svg></th><td>34</td>",
            "for <bdi>rust</bdi></span><p><q><bdi>&#60;b&#62;see you&#60;/b&#62;</bdi></q></p>",
        ],
    );
    for hidden in ["<i>tea", "<b>see", "only for ann"] {
        assert!(!answer.text.contains(hidden), "{hidden}: {answer:?}");
    }
    let answer = world.get(&format!("/people/{EVE}")).await;
    assert_shown(&answer, &["None yet: members give +K"]);
    let answer = world.get(&format!("/people/{KIT}")).await;
    assert_page(&answer);
    assert!(!answer.text.contains("<h2>+K</h2>"), "{answer:?}");
}

#[tokio::test]
async fn a_profile_without_topics_says_so_and_one_of_which_none_are_told_is_silent() {
    let world = World::start().await;
    let answer = world.get(&format!("/people/{EVE}")).await;
    assert_page(&answer);
    assert_shown(&answer, &["Known for nothing yet"]);
    let answer = world.get(&format!("/people/{KIT}")).await;
    assert_page(&answer);
    assert!(!answer.text.contains("<h2>Topics</h2>"), "{answer:?}");
    let world = World::start_with(&[("links.topics", "http://127.0.0.1:1")]).await;
    let answer = world.get(&format!("/people/{DEE}")).await;
    assert_page(&answer);
    assert!(!answer.text.contains("<h2>Topics</h2>"), "{answer:?}");
}

#[tokio::test]
async fn the_page_of_topics_shows_the_top_and_finds_by_name() {
    let world = World::start().await;
    let answer = world.get("/topics").await;
    assert_page(&answer);
    assert!(answer.headers["content-security-policy"].contains("form-action 'self'"));
    assert_shown(
        &answer,
        &[
            "<a href=\"/topics/technology\"><bdi>technology</bdi></a> <span>2 parts</span>",
            "What belongs to technology",
            "<form class=\"search\"",
            "Topics of the ontology test/1.",
        ],
    );
    assert!(!answer.text.contains("/topics/rust"), "that is further down");

    let answer = world.get("/topics?q=rus").await;
    assert_page(&answer);
    assert_shown(&answer, &["value=\"rus\"", "<a href=\"/topics/rust\">"]);
    assert!(!answer.text.contains("/topics/technology"));
    let answer = world.get("/topics?q=%3Cscript%3E").await;
    assert_page(&answer);
    assert_shown(&answer, &["Nothing is called so", "<bdi>&#60;script&#62;</bdi>"]);

    world.topics.empty.store(true, Ordering::SeqCst);
    let answer = world.get("/topics").await;
    assert_page(&answer);
    assert_shown(&answer, &["No topics yet"]);
}

#[tokio::test]
async fn the_page_of_a_topic_shows_its_experts_parts_and_what_is_related() {
    let world = World::start().await;
    let answer = world.get("/topics/technology?country=DE&city=Bremen").await;
    assert_page(&answer);
    assert_shown(
        &answer,
        &[
            "<h1><bdi>technology</bdi></h1>",
            "<h2>Who is influential on it, in Bremen, DE</h2>",
            "1,234 people are known for it",
            "<a href=\"/people/50\"><bdi>dee.example</bdi></a>",
            "<bdi>Bremen, DE</bdi> · mostly <bdi>Rust &#38; &#60;friends&#62;</bdi>",
            "<p class=\"change\">2,345 people</p>",
            "Rank </span>3</span>",
            "href=\"/topics/technology?country=DE&#38;city=Bremen&#38;page=a%26b\"",
            "<h2>Parts</h2>",
            "<li><a href=\"/topics/rust\">",
            "<h2>Related</h2>",
        ],
    );
    assert!(!answer.text.contains("/people/7\""), "who has just left is not shown");
    assert_eq!(answer.text.matches("mostly").count(), 1, "itself is not told twice");

    let answer = world.get("/topics/technology?country=DE&city=Bremen&page=a%26b").await;
    assert_shown(&answer, &["Nobody is ranked further down."]);
    let answer = world.get("/topics/rust?country=FR").await;
    assert_page(&answer);
    assert_shown(
        &answer,
        &["Nobody yet in FR", "<span>part of</span> <a href=\"/topics/technology\">"],
    );
    assert!(!answer.text.contains("<h2>Parts</h2>"));
    let answer = world.get("/topics/faith").await;
    assert_shown(&answer, &["Nobody is said to have to do with this unless they say so"]);
}

#[tokio::test]
async fn a_topic_that_is_not_there_and_topics_that_are_away_are_told_on_a_page() {
    let world = World::start().await;
    let answer = world.get("/topics/nothing").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_shown(&answer, &["There is no such topic", "<code>TOPIC_UNKNOWN</code>"]);
    let world = World::start_with(&[("links.topics", "http://127.0.0.1:1")]).await;
    for path in ["/topics", "/topics/rust", "/topics?q=x"] {
        let answer = world.get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_shown(&answer, &["PEER_UNAVAILABLE"]);
    }
}
