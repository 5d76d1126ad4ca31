//! Commands that ask a gateway, which is played: what they ask for, what they print, and how they end.

use std::{
    process::Output,
    sync::{Arc, Mutex},
};

use klout_chassis::Refusal;
use klout_proto::{
    convert::timestamp,
    graph::v1::{
        BatchGetPeopleRequest, BatchGetPeopleResponse, LinkedAccount, Person,
        graph_service_server::{GraphService, GraphServiceServer},
    },
    score::v1::{
        CompareModelsRequest, CompareModelsResponse, GetRescoreRequest, GetRescoreResponse,
        GetScoreRequest, GetScoreResponse, ListModelsRequest, ListModelsResponse,
        ListScoresRequest, ListScoresResponse, Model, Rescore, Score, ScorePair,
        StartRescoreRequest, StartRescoreResponse,
        score_operator_service_server::{ScoreOperatorService, ScoreOperatorServiceServer},
        score_service_server::{ScoreService, ScoreServiceServer},
    },
};
use klout_testkit::Peer;
use time::{OffsetDateTime, macros::datetime};
use tokio::process::Command;
use tonic::{Code, Request, Response, Status, codegen::BoxStream, service::Routes};

/// A gateway that has a pass whose states follow one another, and everybody's scores by two models.
#[derive(Clone, Debug, Default)]
struct Gateway(Arc<Mutex<Played>>);

#[derive(Debug, Default)]
struct Played {
    /// The states of the pass that are still to come.
    states: Vec<&'static str>,
    asked_scores: Vec<GetScoreRequest>,
    asked_histories: Vec<ListScoresRequest>,
}

impl Gateway {
    fn of_pass(states: &[&'static str]) -> Self {
        let states = states.iter().rev().copied().collect();
        Self(Arc::new(Mutex::new(Played { states, ..Played::default() })))
    }

    /// The pass as it is next.
    fn pass(&self) -> Rescore {
        let state = self.0.lock().expect("nobody panicked").states.pop().expect("nobody asks on");
        let problem = if state == "FAILED" { "the disk is full" } else { "" };
        Rescore {
            rescore: "7".to_owned(),
            state: state.to_owned(),
            epoch: 3,
            model: "klout-2026-12".to_owned(),
            people_done: 5,
            people: 9,
            problem: problem.to_owned(),
            ..Rescore::default()
        }
    }

    /// Runs the command against this gateway.
    async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let routes = Routes::new(ScoreServiceServer::new(self.clone()))
            .add_service(ScoreOperatorServiceServer::new(self.clone()))
            .add_service(GraphServiceServer::new(self.clone()));
        let peer = Peer::serve(routes).await;
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_klout"))
            .args(arguments)
            .args(["--server", peer.address()])
            .output()
            .await
            .expect("the binary was built with the tests");
        let text = |bytes| String::from_utf8(bytes).expect("klout prints UTF-8");
        (status.code(), text(stdout), text(stderr))
    }
}

#[tonic::async_trait]
impl ScoreService for Gateway {
    async fn get_score(
        &self,
        request: Request<GetScoreRequest>,
    ) -> Result<Response<GetScoreResponse>, Status> {
        self.0.lock().expect("nobody panicked").asked_scores.push(request.into_inner());
        let score = score(datetime!(2026-11-01 23:59 UTC), 42.0, "klout-2026-11");
        Ok(Response::new(GetScoreResponse { score: Some(score) }))
    }

    async fn list_scores(
        &self,
        request: Request<ListScoresRequest>,
    ) -> Result<Response<ListScoresResponse>, Status> {
        self.0.lock().expect("nobody panicked").asked_histories.push(request.into_inner());
        let scores = vec![
            score(datetime!(2026-11-03 23:59 UTC), 50.0, "klout-2026-12"),
            score(datetime!(2026-11-02 23:59 UTC), 43.0, "klout-2026-11"),
            score(datetime!(2026-11-01 23:59 UTC), 42.0, "klout-2026-11"),
        ];
        Ok(Response::new(ListScoresResponse { scores, next_page_token: String::new() }))
    }

    async fn list_models(
        &self,
        request: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        let model = |name: &str, state: &str, serve_time| Model {
            name: name.to_owned(),
            checksum: "ab".repeat(16),
            state: state.to_owned(),
            serve_time,
            numbers: "kept".to_owned(),
        };
        let page = match request.into_inner().page_token.as_str() {
            "" => ListModelsResponse {
                models: vec![model(
                    "klout-2026-12",
                    "SERVING",
                    Some(timestamp(datetime!(2026-11-03 00:00:00.5 UTC))),
                )],
                next_page_token: "more".to_owned(),
            },
            _ => ListModelsResponse {
                models: vec![model("own", "SHADOW", None)],
                next_page_token: String::new(),
            },
        };
        Ok(Response::new(page))
    }

    async fn start_rescore(
        &self,
        request: Request<StartRescoreRequest>,
    ) -> Result<Response<StartRescoreResponse>, Status> {
        assert!(!request.into_inner().request_id.is_empty(), "a repeated call is the same");
        let rescore = Some(self.pass());
        Ok(Response::new(StartRescoreResponse { rescore, already_running: true }))
    }

    async fn get_rescore(
        &self,
        request: Request<GetRescoreRequest>,
    ) -> Result<Response<GetRescoreResponse>, Status> {
        assert_eq!(request.into_inner().rescore, "7");
        Ok(Response::new(GetRescoreResponse { rescore: Some(self.pass()) }))
    }
}

#[tonic::async_trait]
impl ScoreOperatorService for Gateway {
    async fn compare_models(
        &self,
        request: Request<CompareModelsRequest>,
    ) -> Result<Response<BoxStream<CompareModelsResponse>>, Status> {
        if request.into_inner().model != "own" {
            let refusal = Refusal::new(Code::NotFound, "MODEL_UNKNOWN");
            return Err(refusal.into_plain_status("there is no such model"));
        }
        let answers = (0..5_u32).map(|answer| {
            let pairs = (1..=100).map(|it| {
                let person = answer * 100 + it;
                let score = f64::from(1 + person % 99);
                ScorePair {
                    person: person.to_string(),
                    serving_score: (person % 50 != 0).then_some(score),
                    shadow_score: Some((score + 1.0).min(100.0)),
                }
            });
            let serving_model = "klout-2026-12".to_owned();
            Ok(CompareModelsResponse { serving_model, pairs: pairs.collect() })
        });
        Ok(Response::new(Box::pin(futures::stream::iter(answers.collect::<Vec<_>>()))))
    }
}

#[tonic::async_trait]
impl GraphService for Gateway {
    async fn batch_get_people(
        &self,
        request: Request<BatchGetPeopleRequest>,
    ) -> Result<Response<BatchGetPeopleResponse>, Status> {
        let people = request.into_inner().people.into_iter().map(|person| {
            let account = LinkedAccount {
                network: "bluesky".to_owned(),
                native_id: format!("did:{person}"),
                handle: format!("<b>{person}"),
            };
            Person { person, accounts: vec![account], create_time: None }
        });
        Ok(Response::new(BatchGetPeopleResponse { people: people.collect() }))
    }
}

fn score(time: OffsetDateTime, points: f64, model: &str) -> Score {
    Score {
        person: "42".to_owned(),
        state: "KNOWN".to_owned(),
        score: Some(points),
        score_time: Some(timestamp(time)),
        model: model.to_owned(),
        ..Score::default()
    }
}

#[tokio::test]
async fn a_pass_is_waited_for_until_it_is_done() {
    let gateway = Gateway::of_pass(&["READING", "COMPUTING", "WRITING", "DONE"]);
    let (code, stdout, stderr) = gateway.run(&["rescore"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(stdout, "pass 7: DONE, epoch 3, model klout-2026-12, 5 of 9 people\n");
    assert!(stderr.contains("a pass goes on already"), "{stderr}");
}

#[tokio::test]
async fn a_pass_that_fails_fails_the_command_and_says_why() {
    let gateway = Gateway::of_pass(&["READING", "FAILED"]);
    let (code, stdout, stderr) = gateway.run(&["rescore", "--json"]).await;
    assert_eq!(code, Some(1));
    assert!(stdout.contains("\"state\":\"FAILED\""), "{stdout}");
    assert!(stderr.contains("the disk is full"), "{stderr}");
}

#[tokio::test]
async fn without_waiting_the_pass_is_told_as_it_begins() {
    let gateway = Gateway::of_pass(&["READING"]);
    let (code, stdout, _) = gateway.run(&["rescore", "--no-wait", "--json"]).await;
    assert_eq!(code, Some(0));
    assert!(stdout.contains("\"rescore\":\"7\""), "{stdout}");
}

#[tokio::test]
async fn models_are_listed_whatever_the_page() {
    let (code, stdout, stderr) = Gateway::default().run(&["model", "list"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    let rows: Vec<_> =
        stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(rows[1][..3], ["klout-2026-12", "SERVING", "2026-11-03T00:00:00Z"]);
    assert_eq!(rows[2][..3], ["own", "SHADOW", "-"]);
    let (_, stdout, _) = Gateway::default().run(&["model", "list", "--json"]).await;
    assert_eq!(stdout.matches("\"numbers\":\"kept\"").count(), 2, "{stdout}");
}

#[tokio::test]
async fn a_comparison_is_printed_and_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("report.html");
    let path = out.to_str().expect("a temporary folder has an ASCII name");
    let (code, stdout, stderr) =
        Gateway::default().run(&["model", "compare", "own", "--out", path]).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("people with both scores    490\n"), "{stdout}");
    assert!(stdout.contains("only by own                10\n"), "{stdout}");
    assert!(stdout.contains("rank correlation           1.0000\n"), "{stdout}");
    let page = std::fs::read_to_string(out).expect("a report");
    assert!(page.contains("bluesky:&#60;b&#62;1"), "movers are named, and names are text");
}

#[tokio::test]
async fn what_cannot_be_compared_fails_with_the_reason() {
    let (code, stdout, stderr) = Gateway::default().run(&["model", "compare", "nobody"]).await;
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("MODEL_UNKNOWN"), "{stderr}");
}

#[tokio::test]
async fn a_history_is_drawn_above_its_table_and_marks_another_model() {
    let gateway = Gateway::default();
    let (code, stdout, stderr) = gateway.run(&["history", "42"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    let (drawing, table) = stdout.split_once("day  ").expect("a table");
    assert!(drawing.contains('┤') && drawing.contains("2026-11-01"), "{drawing}");
    assert!(drawing.contains("▲ 2026-11-03: from here on by klout-2026-12"), "{drawing}");
    assert_eq!(table.lines().count(), 4, "{table}");

    let (_, only_table, _) = gateway.run(&["history", "42", "--table"]).await;
    assert!(only_table.starts_with("day  ") && only_table.ends_with(table), "{only_table}");
    let (_, json, _) = gateway.run(&["history", "42", "--json"]).await;
    assert_eq!(json.matches("\"scoreTime\"").count(), 3, "{json}");
}

#[tokio::test]
async fn a_history_and_a_score_can_be_of_other_times() {
    let gateway = Gateway::default();
    let days = ["--since", "2026-11-01", "--until", "2026-11-04"];
    let arguments = [&["history", "42", "--model", "klout-2026-12"][..], &days[..]].concat();
    assert_eq!(gateway.run(&arguments).await.0, Some(0));
    let (code, stdout, _) = gateway.run(&["score", "42", "--at", "2026-11-01T12:00:00Z"]).await;
    assert_eq!(code, Some(0));
    assert!(stdout.contains("klout-2026-11"), "{stdout}");

    let played = gateway.0.lock().expect("nobody panicked");
    let [history] = &played.asked_histories[..] else { panic!("{played:?}") };
    assert_eq!(history.model, "klout-2026-12");
    assert_eq!(history.start_time, Some(timestamp(datetime!(2026-11-01 00:00 UTC))));
    assert_eq!(history.end_time, Some(timestamp(datetime!(2026-11-04 00:00 UTC))));
    let [score] = &played.asked_scores[..] else { panic!("{played:?}") };
    assert_eq!(score.at_time, Some(timestamp(datetime!(2026-11-01 12:00 UTC))));
}
