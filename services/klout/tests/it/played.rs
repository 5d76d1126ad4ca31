//! Commands that ask a gateway, which is played: what they ask for, what they print, and how they end.

use std::{
    process::{Output, Stdio},
    sync::{Arc, Mutex},
};

use futures::StreamExt as _;
use klout_chassis::Refusal;
use klout_proto::{
    convert::timestamp,
    graph::v1::{
        BatchGetPeopleRequest, BatchGetPeopleResponse, LinkedAccount, Person,
        graph_service_server::{GraphService, GraphServiceServer},
    },
    score::v1::{
        AnnounceModelRequest, AnnounceModelResponse, CompareModelsRequest, CompareModelsResponse,
        Contest, ContestScoreRequest, ContestScoreResponse, ExplainScoreRequest,
        ExplainScoreResponse, Explanation, GetRescoreRequest, GetRescoreResponse, GetScoreRequest,
        GetScoreResponse, KindCount, ListContestsRequest, ListContestsResponse,
        ListFindingsRequest, ListFindingsResponse, ListModelsRequest, ListModelsResponse,
        ListMomentsRequest, ListMomentsResponse, ListScoresRequest, ListScoresResponse,
        ListTopScoresRequest, ListTopScoresResponse, Model, Moment, Rescore, Score, ScorePair,
        ShadowModelRequest, ShadowModelResponse, StartRescoreRequest, StartRescoreResponse,
        WatchScoresRequest, WatchScoresResponse,
        score_operator_service_server::{ScoreOperatorService, ScoreOperatorServiceServer},
        score_service_server::{ScoreService, ScoreServiceServer},
    },
};
use klout_testkit::Peer;
use rustix::process::{Pid, Signal, kill_process};
use time::{OffsetDateTime, macros::datetime};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::Command,
};
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
    asked_contests: Vec<ContestScoreRequest>,
    asked_moments: Vec<ListMomentsRequest>,
    asked_watches: Vec<WatchScoresRequest>,
    /// There are no scores, cases and findings.
    empty: bool,
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
            model: "klout-2027-01".to_owned(),
            people_done: 5,
            people: 9,
            problem: problem.to_owned(),
            ..Rescore::default()
        }
    }

    /// Runs the command against this gateway.
    async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let (_peer, mut command) = self.command(arguments).await;
        let Output { status, stdout, stderr } =
            command.output().await.expect("the binary was built with the tests");
        let text = |bytes| String::from_utf8(bytes).expect("klout prints UTF-8");
        (status.code(), text(stdout), text(stderr))
    }

    /// The command, which is not run yet, against this gateway.
    async fn command(&self, arguments: &[&str]) -> (Peer, Command) {
        let routes = Routes::new(ScoreServiceServer::new(self.clone()))
            .add_service(ScoreOperatorServiceServer::new(self.clone()))
            .add_service(GraphServiceServer::new(self.clone()));
        let peer = Peer::serve(routes).await;
        let mut command = Command::new(env!("CARGO_BIN_EXE_klout"));
        command.args(arguments).args(["--server", peer.address()]);
        (peer, command)
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
        let mut played = self.0.lock().expect("nobody panicked");
        played.asked_histories.push(request.into_inner());
        if played.empty {
            return Ok(Response::new(ListScoresResponse::default()));
        }
        let scores = vec![
            score(datetime!(2026-11-03 23:59 UTC), 50.0, "klout-2027-01"),
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
                    "klout-2027-01",
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

    async fn list_top_scores(
        &self,
        _: Request<ListTopScoresRequest>,
    ) -> Result<Response<ListTopScoresResponse>, Status> {
        let best = score(datetime!(2026-11-03 23:59 UTC), 99.0, "klout-2027-01");
        let scores = vec![Score { epoch: 48, ..best }];
        Ok(Response::new(ListTopScoresResponse { scores, next_page_token: String::new() }))
    }

    async fn explain_score(
        &self,
        _: Request<ExplainScoreRequest>,
    ) -> Result<Response<ExplainScoreResponse>, Status> {
        let explanation = Explanation {
            score: Some(score(datetime!(2026-11-03 23:59 UTC), 50.0, "klout-2027-01")),
            since_time: Some(timestamp(datetime!(2026-11-02 00:00 UTC))),
            since_score: Some(45.0),
            ..Explanation::default()
        };
        Ok(Response::new(ExplainScoreResponse { explanation: Some(explanation) }))
    }

    async fn list_moments(
        &self,
        request: Request<ListMomentsRequest>,
    ) -> Result<Response<ListMomentsResponse>, Status> {
        self.0.lock().expect("nobody panicked").asked_moments.push(request.into_inner());
        let moment = Moment {
            network: "bluesky".to_owned(),
            post: "ab".repeat(16),
            post_time: Some(timestamp(datetime!(2026-11-01 00:00 UTC))),
            points: 12.5,
            counts: vec![KindCount { kind: "like".to_owned(), count: 7 }],
        };
        let moments = vec![moment];
        Ok(Response::new(ListMomentsResponse { moments, next_page_token: String::new() }))
    }

    /// The first stream breaks off after a score, the second one goes on.
    async fn watch_scores(
        &self,
        request: Request<WatchScoresRequest>,
    ) -> Result<Response<BoxStream<WatchScoresResponse>>, Status> {
        let request = request.into_inner();
        let (points, token) =
            if request.resume_token.is_empty() { (42.0, "first") } else { (43.0, "second") };
        let first = request.resume_token.is_empty();
        self.0.lock().expect("nobody panicked").asked_watches.push(request);
        let score = score(datetime!(2026-11-03 12:00 UTC), points, "klout-2027-01");
        let changed = WatchScoresResponse { score: Some(score), ..Default::default() };
        let renewed = WatchScoresResponse {
            resume_token: token.to_owned(),
            ..WatchScoresResponse::default()
        };
        let told = futures::stream::iter([
            Ok(WatchScoresResponse { resume_token: token.to_owned(), ..changed }),
            Ok(renewed),
        ]);
        let stopping = Refusal::new(Code::Unavailable, "STOPPING").into_plain_status("it stops");
        Ok(Response::new(if first {
            Box::pin(told.chain(futures::stream::iter([Err(stopping)])))
        } else {
            Box::pin(told.chain(futures::stream::pending()))
        }))
    }

    async fn contest_score(
        &self,
        request: Request<ContestScoreRequest>,
    ) -> Result<Response<ContestScoreResponse>, Status> {
        let request = request.into_inner();
        let contest = Contest { person: request.person.clone(), ..contest(&request.reason) };
        self.0.lock().expect("nobody panicked").asked_contests.push(request);
        Ok(Response::new(ContestScoreResponse { contest: Some(contest) }))
    }

    async fn list_contests(
        &self,
        _: Request<ListContestsRequest>,
    ) -> Result<Response<ListContestsResponse>, Status> {
        let empty = self.0.lock().expect("nobody panicked").empty;
        let forged = "wrong\u{1b}[2J\n8  2026-11-03T00:00:00Z  person 1  ANSWERED";
        let contests = if empty { Vec::new() } else { vec![contest(forged)] };
        Ok(Response::new(ListContestsResponse { contests, next_page_token: String::new() }))
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
    async fn shadow_model(
        &self,
        request: Request<ShadowModelRequest>,
    ) -> Result<Response<ShadowModelResponse>, Status> {
        let (name, state) = ("own".to_owned(), "SHADOW".to_owned());
        let model =
            Model { name, state, numbers: request.into_inner().numbers, ..Model::default() };
        Ok(Response::new(ShadowModelResponse { model: Some(model) }))
    }

    async fn announce_model(
        &self,
        request: Request<AnnounceModelRequest>,
    ) -> Result<Response<AnnounceModelResponse>, Status> {
        let AnnounceModelRequest { model: name, serve_time } = request.into_inner();
        if serve_time != Some(timestamp(datetime!(2026-12-24 00:00 UTC))) {
            let refusal = Refusal::field("serve_time", "is not in the future");
            return Err(refusal.into_plain_status("`serve_time` is not in the future"));
        }
        let model = Model { name, state: "ANNOUNCED".to_owned(), serve_time, ..Model::default() };
        Ok(Response::new(AnnounceModelResponse { model: Some(model) }))
    }

    async fn list_findings(
        &self,
        _: Request<ListFindingsRequest>,
    ) -> Result<Response<ListFindingsResponse>, Status> {
        Ok(Response::new(ListFindingsResponse::default()))
    }

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
            let serving_model = "klout-2027-01".to_owned();
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
                ..Default::default()
            };
            Person {
                person,
                accounts: vec![account],
                create_time: None,
                city: String::new(),
                country: String::new(),
                ..Default::default()
            }
        });
        Ok(Response::new(BatchGetPeopleResponse { people: people.collect() }))
    }
}

fn contest(reason: &str) -> Contest {
    Contest {
        contest: "7".to_owned(),
        person: "42".to_owned(),
        state: "OPEN".to_owned(),
        reason: reason.to_owned(),
        open_time: Some(timestamp(datetime!(2026-11-03 12:00 UTC))),
        ..Contest::default()
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
    assert_eq!(stdout, "pass 7: DONE, epoch 3, model klout-2027-01, 5 of 9 people\n");
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
    let (_, stdout, _) = Gateway::of_pass(&["READING"]).run(&["rescore", "--no-wait"]).await;
    assert_eq!(stdout, "pass 7 has begun\n", "the rest is not known yet");
}

#[tokio::test]
async fn models_are_listed_whatever_the_page() {
    let (code, stdout, stderr) = Gateway::default().run(&["model", "list"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    let rows: Vec<_> =
        stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(rows[1][..3], ["klout-2027-01", "SERVING", "2026-11-03T00:00:00Z"]);
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
    assert!(page.contains("<dd>48</dd>"), "the epoch is told");
    let checksum = "ab".repeat(16);
    for model in ["klout-2027-01", "own"] {
        assert!(page.contains(&format!("{model}, checksum {checksum}")), "{model}");
    }
    let (_, json, _) = Gateway::default().run(&["model", "compare", "own", "--json"]).await;
    assert!(json.contains("\"people\":490") && json.contains("\"onlyShadow\":10"), "{json}");
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
    assert!(drawing.contains("▲ 2026-11-03: from here on by klout-2027-01"), "{drawing}");
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
    let arguments = [&["history", "42", "--model", "klout-2027-01"][..], &days[..]].concat();
    assert_eq!(gateway.run(&arguments).await.0, Some(0));
    let (code, stdout, _) = gateway.run(&["score", "42", "--at", "2026-11-01T12:00:00Z"]).await;
    assert_eq!(code, Some(0));
    assert!(stdout.contains("klout-2026-11"), "{stdout}");

    let played = gateway.0.lock().expect("nobody panicked");
    let [history] = &played.asked_histories[..] else { panic!("{played:?}") };
    assert_eq!(history.model, "klout-2027-01");
    assert_eq!(history.start_time, Some(timestamp(datetime!(2026-11-01 00:00 UTC))));
    assert_eq!(history.end_time, Some(timestamp(datetime!(2026-11-04 00:00 UTC))));
    let [score] = &played.asked_scores[..] else { panic!("{played:?}") };
    assert_eq!(score.at_time, Some(timestamp(datetime!(2026-11-01 12:00 UTC))));
}

#[tokio::test]
async fn a_comparison_is_written_whoever_reads_the_figures() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("report.html");
    let path = out.to_str().expect("a temporary folder has an ASCII name");
    let (_peer, mut command) =
        Gateway::default().command(&["model", "compare", "own", "--out", path]).await;
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it was built with the tests");
    drop(child.stdout.take());
    child.wait().await.expect("it ends");
    assert!(out.exists(), "nobody read the figures, and the report is lost");
}

#[tokio::test]
async fn a_model_says_what_comes_before_it_can_serve() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("own.toml");
    std::fs::write(&file, "name = \"own\"").expect("a file");
    let path = file.to_str().expect("a temporary folder has an ASCII name");
    let gateway = Gateway::default();
    let (code, _, stderr) = gateway.run(&["model", "shadow", path]).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("klout rescore"), "{stderr}");

    let (code, stdout, _) = gateway.run(&["model", "announce", "own", "--at", "2026-12-24"]).await;
    assert_eq!(code, Some(0));
    assert!(stdout.contains("from 2026-12-24T00:00:00Z"), "{stdout}");
    let arguments = ["model", "announce", "own", "--at", "2026-12-24", "--json"];
    let (_, json, _) = gateway.run(&arguments).await;
    assert!(json.contains("\"state\":\"ANNOUNCED\""), "{json}");
    let (code, _, stderr) = gateway.run(&["model", "announce", "own", "--at", "2020-12-24"]).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("--at is not in the future"), "{stderr}");
}

#[tokio::test]
async fn what_was_not_there_is_said_on_stderr() {
    let gateway = Gateway(Arc::new(Mutex::new(Played { empty: true, ..Played::default() })));
    for (arguments, notice) in [
        (&["history", "42"][..], "klout: no scores in that time\n"),
        (&["contest", "list"], "klout: nobody has a case\n"),
        (&["finding", "list"], "klout: no findings\n"),
    ] {
        let told = gateway.run(arguments).await;
        assert_eq!(told, (Some(0), String::new(), notice.to_owned()), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_case_is_opened_and_no_terminal_obeys_it() {
    let gateway = Gateway::default();
    let opened = ["contest", "open", "42", "--reason", "it is wrong"];
    let (code, stdout, stderr) = gateway.run(&opened).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(stdout, "7  2026-11-03T12:00:00Z  person 42  OPEN\n   it is wrong\n");
    let (_, json, _) =
        gateway.run(&[&opened[..], &["--request-id", "mine", "--json"]].concat()).await;
    assert!(json.contains("\"reason\":\"it is wrong\""), "{json}");
    {
        let played = gateway.0.lock().expect("nobody panicked");
        let [one, other] = &played.asked_contests[..] else { panic!("{played:?}") };
        assert!(!one.request_id.is_empty(), "a repeated call opens one case");
        assert_eq!(other.request_id, "mine");
    }
    let (_, stdout, _) = gateway.run(&["contest", "list"]).await;
    assert_eq!(stdout.lines().nth(1), Some(r"   wrong\u{1b}[2J"));
    let forged = "   8  2026-11-03T00:00:00Z  person 1  ANSWERED";
    assert_eq!(stdout.lines().nth(2), Some(forged), "it is no line of ours");
}

#[tokio::test]
async fn an_explanation_says_by_which_model_an_earlier_score_was_made_anew() {
    let (code, stdout, stderr) =
        Gateway::default().run(&["explain", "42", "--since", "2026-11-01"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("changed by +5.00 since the end of 2026-11-01\n"), "{stdout}");
    let anew = "that day klout-2026-11 served; the earlier score is made anew by klout-2027-01\n";
    assert!(stdout.contains(anew), "{stdout}");
}

#[tokio::test]
async fn moments_are_a_table() {
    let gateway = Gateway::default();
    let (code, stdout, stderr) = gateway.run(&["moments", "42", "--top", "3"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    let row = stdout.lines().nth(1).expect("a post");
    assert!(row.starts_with("2026-11-01  bluesky:abababababab…   12.50  █"), "{row}");
    let (_, json, _) = gateway.run(&["moments", "42", "--json"]).await;
    assert!(json.starts_with("{\"moments\":["), "{json}");
    let played = gateway.0.lock().expect("nobody panicked");
    assert_eq!(played.asked_moments[0].page_size, 3);
}

#[tokio::test]
async fn a_watch_goes_on_after_a_break_and_says_at_its_end_where() {
    let gateway = Gateway::default();
    let (_peer, mut command) = gateway.command(&["watch", "42"]).await;
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("it was built with the tests");
    let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)).expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
    for points in ["42.00", "43.00"] {
        let line = lines.next_line().await.expect("it can be read").expect("a score");
        assert!(line.starts_with(&format!("42   {points}")), "{line}");
    }
    kill_process(pid, Signal::INT).expect("it runs");
    let mut stderr = String::new();
    let mut pipe = child.stderr.take().expect("is piped");
    pipe.read_to_string(&mut stderr).await.expect("klout prints UTF-8");
    assert_eq!(child.wait().await.expect("it ends").code(), Some(0), "{stderr}");
    assert!(stderr.contains("it stops; connecting again"), "{stderr}");
    assert!(stderr.ends_with("klout: go on with --resume second\n"), "{stderr}");
    let played = gateway.0.lock().expect("nobody panicked");
    let tokens: Vec<_> = played.asked_watches.iter().map(|it| it.resume_token.as_str()).collect();
    assert_eq!(tokens, ["", "first"]);
}
