//! Commands about topics, which ask a gateway that is played: what they ask for, and what they print.

use std::{
    process::{Output, Stdio},
    sync::{Arc, Mutex},
};

use futures::StreamExt as _;
use klout_chassis::Refusal;
use klout_proto::{
    graph::v1::{
        BatchGetPeopleRequest, BatchGetPeopleResponse, LinkedAccount, Person, ResolvePersonRequest,
        ResolvePersonResponse,
        graph_service_server::{GraphService, GraphServiceServer},
    },
    topic::v1::{
        CountedLabel, DeclareTopicsRequest, DeclareTopicsResponse, Edition, EvidenceFamilies,
        EvidencePerson, EvidencePost, Expert, ExplainPersonTopicRequest,
        ExplainPersonTopicResponse, GetTopicRequest, GetTopicResponse, ImportOntologyRequest,
        ImportOntologyResponse, ListExpertsRequest, ListExpertsResponse, ListPersonTopicsRequest,
        ListPersonTopicsResponse, ListTopicsRequest, ListTopicsResponse, MatchTextRequest,
        MatchTextResponse, PersonTopic, RelatedTopic, SuggestContentRequest,
        SuggestContentResponse, SuggestTopicsRequest, SuggestTopicsResponse, SuggestedContent,
        SuggestedTopic, TextTopic, Topic, VetoTopicRequest, VetoTopicResponse,
        import_ontology_request::Part,
        influencer,
        topic_operator_service_server::{TopicOperatorService, TopicOperatorServiceServer},
        topic_service_server::{TopicService, TopicServiceServer},
    },
};
use klout_testkit::Peer;
use tokio::{io::AsyncWriteExt as _, process::Command};
use tonic::{Code, Request, Response, Status, Streaming, service::Routes};

/// A gateway that knows three topics, and notes what it is asked.
#[derive(Clone, Debug, Default)]
struct Gateway(Arc<Mutex<Asked>>);

#[derive(Debug, Default)]
struct Asked {
    texts: Vec<MatchTextRequest>,
    experts: Vec<ListExpertsRequest>,
    declared: Vec<DeclareTopicsRequest>,
    vetoed: Vec<VetoTopicRequest>,
    people: Vec<ListPersonTopicsRequest>,
    /// Of an import: its header, and each file with its length.
    header: Option<(String, String)>,
    files: Vec<(String, usize)>,
}

fn topic(id: &str, slug: &str, name: &str) -> Topic {
    Topic {
        topic: id.to_owned(),
        slug: slug.to_owned(),
        display_name: name.to_owned(),
        language: "en".to_owned(),
        ..Topic::default()
    }
}

fn jazz() -> Topic {
    Topic { parents: vec!["1".to_owned()], ..topic("10000000000000020305", "jazz", "Jazz") }
}

fn earned() -> PersonTopic {
    PersonTopic {
        topic: Some(jazz()),
        states: vec!["earned".to_owned(), "declared".to_owned()],
        score: Some(61.25),
        strength: 12.5,
        rank: Some(1234),
        percentile: Some(98.0),
        people: 31,
        posts: 12,
        families: Some(EvidenceFamilies {
            written: 0.5,
            reacted: 9.0,
            said: 2.5,
            influencers: 0.5,
        }),
        networks: vec!["bluesky".to_owned()],
        compute_time: None,
        words: Vec::new(),
    }
}

impl Gateway {
    async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        self.run_with("", arguments).await
    }

    /// Runs the command against this gateway, with a text on stdin.
    async fn run_with(&self, input: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
        let routes = Routes::new(TopicServiceServer::new(self.clone()))
            .add_service(TopicOperatorServiceServer::new(self.clone()))
            .add_service(GraphServiceServer::new(self.clone()));
        let peer = Peer::serve(routes).await;
        let mut command = Command::new(env!("CARGO_BIN_EXE_klout"));
        command.args(arguments).args(["--server", peer.address()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary was built with the tests");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).await.expect("the command reads, or waits");
        drop(stdin);
        let Output { status, stdout, stderr } = child.wait_with_output().await.expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("klout prints UTF-8");
        (status.code(), text(stdout), text(stderr))
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.0.lock().expect("nobody panicked")
    }
}

#[tonic::async_trait]
impl TopicService for Gateway {
    async fn list_topics(
        &self,
        request: Request<ListTopicsRequest>,
    ) -> Result<Response<ListTopicsResponse>, Status> {
        let topics = if request.into_inner().query == "zz" { Vec::new() } else { vec![jazz()] };
        let (edition, next_page_token) = ("klout-open/1".to_owned(), "more".to_owned());
        Ok(Response::new(ListTopicsResponse { topics, edition, next_page_token }))
    }

    async fn get_topic(
        &self,
        request: Request<GetTopicRequest>,
    ) -> Result<Response<GetTopicResponse>, Status> {
        let found = match request.into_inner().topic.as_str() {
            "jazz" => GetTopicResponse {
                topic: Some(jazz()),
                related: vec![RelatedTopic {
                    topic: Some(topic("7", "blues", "Blues")),
                    strength: 0.5,
                }],
                people: 1234,
            },
            "1" => GetTopicResponse {
                topic: Some(topic("1", "music", "Music")),
                ..GetTopicResponse::default()
            },
            _ => {
                let refusal = Refusal::new(Code::NotFound, "TOPIC_UNKNOWN");
                return Err(refusal.into_plain_status("there is no such topic"));
            }
        };
        Ok(Response::new(found))
    }

    async fn match_text(
        &self,
        request: Request<MatchTextRequest>,
    ) -> Result<Response<MatchTextResponse>, Status> {
        self.asked().texts.push(request.into_inner());
        let words = vec!["walking bass".to_owned(), "\u{1b}[2J".to_owned()];
        let topics = vec![TextTopic { topic: Some(jazz()), weight: 0.5, words }];
        Ok(Response::new(MatchTextResponse { topics, language: "en".to_owned() }))
    }

    async fn list_person_topics(
        &self,
        request: Request<ListPersonTopicsRequest>,
    ) -> Result<Response<ListPersonTopicsResponse>, Status> {
        self.asked().people.push(request.into_inner());
        let topics = vec![earned()];
        Ok(Response::new(ListPersonTopicsResponse { topics, next_page_token: String::new() }))
    }

    async fn explain_person_topic(
        &self,
        _: Request<ExplainPersonTopicRequest>,
    ) -> Result<Response<ExplainPersonTopicResponse>, Status> {
        Ok(Response::new(ExplainPersonTopicResponse {
            topic: Some(PersonTopic { states: Vec::new(), score: None, rank: None, ..earned() }),
            posts: vec![EvidencePost {
                network: "bluesky".to_owned(),
                excerpt: "A walking\nbass.".to_owned(),
                day: "2026-11-01".to_owned(),
                words: vec!["walking bass".to_owned()],
                people: 9,
                strength: 3.25,
                ..EvidencePost::default()
            }],
            people: vec![EvidencePerson {
                person: "7".to_owned(),
                kinds: vec!["like".to_owned(), "plus_k".to_owned()],
                strength: 1.0,
            }],
            labels: vec![CountedLabel { label: "jazz people".to_owned(), people: 4 }],
            missing: vec!["2 more people".to_owned()],
        }))
    }

    async fn list_experts(
        &self,
        request: Request<ListExpertsRequest>,
    ) -> Result<Response<ListExpertsResponse>, Status> {
        let request = request.into_inner();
        let experts = if request.country == "FR" {
            Vec::new()
        } else {
            vec![Expert {
                person: "42".to_owned(),
                score: 61.25,
                rank: 1,
                strength: 12.5,
                people: 31,
                mostly: Some(jazz()),
                country: "DE".to_owned(),
                city: "Essen".to_owned(),
            }]
        };
        self.asked().experts.push(request);
        let (topic, next_page_token) = (Some(jazz()), String::new());
        Ok(Response::new(ListExpertsResponse { experts, next_page_token, topic }))
    }

    async fn declare_topics(
        &self,
        request: Request<DeclareTopicsRequest>,
    ) -> Result<Response<DeclareTopicsResponse>, Status> {
        self.asked().declared.push(request.into_inner());
        Ok(Response::new(DeclareTopicsResponse { topics: vec![earned()] }))
    }

    async fn veto_topic(
        &self,
        request: Request<VetoTopicRequest>,
    ) -> Result<Response<VetoTopicResponse>, Status> {
        self.asked().vetoed.push(request.into_inner());
        Ok(Response::new(VetoTopicResponse {}))
    }

    async fn suggest_topics(
        &self,
        _: Request<SuggestTopicsRequest>,
    ) -> Result<Response<SuggestTopicsResponse>, Status> {
        let topics = vec![SuggestedTopic {
            topic: Some(jazz()),
            reason: "nearly_earned".to_owned(),
            explanation: "One more person, and it is yours.".to_owned(),
            strength: 0.5,
        }];
        Ok(Response::new(SuggestTopicsResponse { topics }))
    }

    async fn suggest_content(
        &self,
        _: Request<SuggestContentRequest>,
    ) -> Result<Response<SuggestContentResponse>, Status> {
        let content = vec![SuggestedContent {
            link: "https://example.org/bass".to_owned(),
            topics: vec![jazz()],
            reason: "hidden_gem".to_owned(),
            explanation: "8 of 20 who saw it reacted.".to_owned(),
            ..SuggestedContent::default()
        }];
        Ok(Response::new(SuggestContentResponse { content }))
    }
}

#[tonic::async_trait]
impl TopicOperatorService for Gateway {
    async fn import_ontology(
        &self,
        request: Request<Streaming<ImportOntologyRequest>>,
    ) -> Result<Response<ImportOntologyResponse>, Status> {
        let mut parts = request.into_inner();
        while let Some(part) = parts.next().await {
            let mut asked = self.asked();
            match part?.part.expect("a part") {
                Part::Header(header) => asked.header = Some((header.ontology, header.edition)),
                Part::Piece(piece) => asked.files.push((piece.file, piece.content.len())),
            }
        }
        if self.asked().files.iter().any(|(file, _)| file.starts_with("flawed")) {
            let refusal = Refusal::new(Code::InvalidArgument, "ONTOLOGY_INVALID");
            return Err(refusal.into_plain_status("flawed.csv:3: topic 7 is its own ancestor"));
        }
        Ok(Response::new(ImportOntologyResponse {
            edition: Some(Edition {
                ontology: "klout".to_owned(),
                edition: "20180601".to_owned(),
                topics: 8034,
                posts_left: 1000,
                ..Edition::default()
            }),
            notices: vec!["edges.csv:2: the root is part of itself".to_owned()],
            kept: 450,
            moved: 3,
            gone: 1,
        }))
    }
}

#[tonic::async_trait]
impl GraphService for Gateway {
    async fn resolve_person(
        &self,
        _: Request<ResolvePersonRequest>,
    ) -> Result<Response<ResolvePersonResponse>, Status> {
        Ok(Response::new(ResolvePersonResponse { person: "42".to_owned(), ..Default::default() }))
    }

    async fn batch_get_people(
        &self,
        request: Request<BatchGetPeopleRequest>,
    ) -> Result<Response<BatchGetPeopleResponse>, Status> {
        let people = request.into_inner().people.into_iter().map(|person| Person {
            accounts: vec![LinkedAccount {
                network: "bluesky".to_owned(),
                native_id: format!("did:{person}"),
                handle: format!("ann{person}"),
                ..Default::default()
            }],
            person,
            ..Person::default()
        });
        Ok(Response::new(BatchGetPeopleResponse { people: people.collect() }))
    }
}

/// The words of each line.
fn words(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[tokio::test]
async fn topics_are_found_and_it_is_said_that_there_are_more() {
    let (code, stdout, stderr) = Gateway::default().run(&["topic", "list", "ja"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(words(&stdout)[1], ["jazz", "Jazz", "0"]);
    assert!(stderr.contains("there are more"), "{stderr}");
    let (code, stdout, stderr) = Gateway::default().run(&["topic", "list", "zz"]).await;
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    assert!(stderr.contains("no topic of klout-open/1 begins so"), "{stderr}");
}

#[tokio::test]
async fn a_topic_is_shown_with_what_is_around_it() {
    let (code, stdout, stderr) = Gateway::default().run(&["topic", "show", "jazz"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    for line in [
        "topic       Jazz (jazz)",
        "id          10000000000000020305",
        "part of     Music (music)",
        "experts     1,234",
        "related     Blues (blues)",
    ] {
        assert!(stdout.lines().any(|it| it == line), "{line} is missing in {stdout}");
    }
    let (code, _, stderr) = Gateway::default().run(&["topic", "show", "golf"]).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("TOPIC_UNKNOWN"), "{stderr}");
}

#[tokio::test]
async fn a_text_is_matched_also_one_of_stdin_and_nothing_of_it_is_obeyed() {
    let gateway = Gateway::default();
    let arguments =
        ["topic", "match", "-", "--tag", "jazz", "--author-topic", "music", "--language", "en"];
    let (code, stdout, stderr) = gateway.run_with("A walking bass.", &arguments).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(words(&stdout)[1], ["0.50", "jazz", "walking", "bass,", r"\u{1b}[2J"]);
    let asked = gateway.asked().texts.pop().expect("it was asked");
    assert_eq!((asked.text.as_str(), asked.language.as_str()), ("A walking bass.", "en"));
    assert_eq!((asked.tags, asked.author_topics), (vec!["jazz".into()], vec!["music".into()]));
}

#[tokio::test]
async fn experts_are_called_by_their_accounts() {
    let gateway = Gateway::default();
    let place = ["--country", "DE", "--city", "Essen", "--network", "bluesky"];
    let (code, stdout, stderr) =
        gateway.run(&[&["topic", "experts", "jazz"], &place[..]].concat()).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(words(&stdout)[1], ["1", "61.2", "bluesky:ann42", "31", "jazz", "Essen,", "DE"]);
    let asked = gateway.asked().experts.pop().expect("it was asked");
    assert_eq!((asked.country.as_str(), asked.city.as_str()), ("DE", "Essen"));

    let (code, stdout, stderr) =
        gateway.run(&["topic", "experts", "jazz", "--country", "FR"]).await;
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    assert!(stderr.contains("nobody is influential on Jazz yet"), "{stderr}");
    let (code, _, _) = gateway.run(&["topic", "experts", "jazz", "--city", "Essen"]).await;
    assert_eq!(code, Some(2), "a city is of a country");
}

#[tokio::test]
async fn topics_of_somebody_tell_what_is_earned_from_what_is_declared() {
    let gateway = Gateway::default();
    let (code, stdout, stderr) = gateway.run(&["topic", "of", "bluesky:ann", "--vetoed"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(words(&stdout)[1], ["jazz", "earned,", "declared", "61.2", "1,234", "31", "12"]);
    let asked = gateway.asked().people.pop().expect("it was asked");
    assert_eq!((asked.person.as_str(), asked.include_vetoed), ("42", true));
}

#[tokio::test]
async fn why_somebody_has_a_topic_is_told_and_what_is_missing() {
    let (code, stdout, stderr) =
        Gateway::default().run(&["topic", "why", "bluesky:ann", "jazz"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    for text in [
        "Jazz: not shown",
        "missing: 2 more people",
        "9.000  what others do about what they write",
        r"A walking\nbass.",
        "jazz people",
        "bluesky:ann7",
        "like, plus k",
    ] {
        assert!(stdout.contains(text), "{text} is missing in {stdout}");
    }
}

#[tokio::test]
async fn influencers_belong_to_topics_that_are_declared() {
    let gateway = Gateway::default();
    let declare = |influencer: &'static str| {
        ["topic", "declare", "7", "jazz", "hiking", "--influencer", influencer]
    };
    let (code, _, stderr) = gateway.run(&declare("jazz=bluesky:bob")).await;
    assert_eq!(code, Some(0), "{stderr}");
    let asked = gateway.asked().declared.pop().expect("it was asked");
    let topics: Vec<_> = asked.topics.iter().map(|it| it.topic.as_str()).collect();
    assert_eq!((asked.person.as_str(), topics), ("7", vec!["jazz", "hiking"]));
    let influencer = asked.topics[0].influencers[0].influencer.clone();
    assert!(
        matches!(influencer, Some(influencer::Influencer::Account(it)) if it.network == "bluesky")
    );
    assert!(asked.topics[1].influencers.is_empty());
    assert_eq!(gateway.run(&declare("golf=bluesky:bob")).await.0, Some(2));
    assert_eq!(gateway.run(&declare("jazz")).await.0, Some(2));
}

#[tokio::test]
async fn a_veto_says_what_it_means() {
    let gateway = Gateway::default();
    let (code, _, stderr) = gateway.run(&["topic", "veto", "7", "lambs"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("lambs and its parts are gone"), "{stderr}");
    let asked = gateway.asked().vetoed.pop().expect("it was asked");
    assert_eq!((asked.person.as_str(), asked.topic.as_str()), ("7", "lambs"));
}

#[tokio::test]
async fn suggestions_have_a_reason() {
    let gateway = Gateway::default();
    let (_, stdout, _) = gateway.run(&["topic", "suggest", "7"]).await;
    assert!(stdout.contains("One more person, and it is yours."), "{stdout}");
    let (_, stdout, _) = gateway.run(&["topic", "content", "7", "--about", "jazz"]).await;
    assert!(stdout.contains("hidden gem") && stdout.contains("https://example.org"), "{stdout}");
}

#[tokio::test]
async fn an_ontology_goes_in_with_what_its_files_say_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("a temporary folder has an ASCII name");
    let import = ["import", "topic-ontology", path];
    let (code, _, stderr) = Gateway::default().run(&import).await;
    assert_eq!(code, Some(1), "there is nothing in it: {stderr}");

    std::fs::write(folder.path().join("klout_topic_edge_20180601.csv"), "a,b").expect("written");
    let gateway = Gateway::default();
    let (code, stdout, stderr) = gateway.run(&import).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(
        stdout,
        "klout/20180601 is in use: 8,034 topics; 1,000 posts are being read with it\n"
    );
    assert!(stderr.contains("edges.csv:2: the root is part of itself"), "{stderr}");
    assert!(stderr.contains("450 are there, 3 lead to what they were part of, and 1 are gone"));
    assert_eq!(gateway.asked().header, Some(("klout".to_owned(), "20180601".to_owned())));
    assert_eq!(gateway.asked().files, [("klout_topic_edge_20180601.csv".to_owned(), 3)]);

    std::fs::write(folder.path().join("flawed.csv"), "a,b").expect("written");
    let (code, _, stderr) = gateway.run(&import).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("flawed.csv:3") && stderr.contains("ONTOLOGY_INVALID"), "{stderr}");
}
