//! `klout influencers`, `influencees` and `mutuals`, in front of a social-graph that is played.

use std::process::Output;

use klout_proto::graph::v1::{
    BatchGetPeopleRequest, BatchGetPeopleResponse, Influence, LinkedAccount,
    ListInfluenceesRequest, ListInfluenceesResponse, ListInfluencersRequest,
    ListInfluencersResponse, ListMutualsRequest, ListMutualsResponse, Person,
    graph_service_server::{GraphService, GraphServiceServer},
};
use klout_testkit::Peer;
use tokio::process::Command;
use tonic::{Request, Response, Status, service::Routes};

/// Knows that 7 influences 42, and nothing else.
#[derive(Clone, Copy, Debug)]
struct Graph;

#[tonic::async_trait]
impl GraphService for Graph {
    async fn list_influencers(
        &self,
        request: Request<ListInfluencersRequest>,
    ) -> Result<Response<ListInfluencersResponse>, Status> {
        let request = request.into_inner();
        assert_eq!((request.person.as_str(), request.page_size), ("42", 5));
        assert_eq!((request.network.as_str(), request.topic.as_str()), ("bluesky", "jazz"));
        let seven = Influence {
            person: "7".to_owned(),
            strength: 2.345,
            direction: "MUTUAL".to_owned(),
            networks: vec!["bluesky".to_owned(), "github".to_owned()],
            last_reaction_time: Some(prost_types::Timestamp { seconds: 1_793_491_200, nanos: 0 }),
            topics: vec!["jazz".to_owned()],
        };
        let next_page_token = "1.2".to_owned();
        Ok(Response::new(ListInfluencersResponse {
            influencers: vec![seven],
            next_page_token,
            total_size: None,
        }))
    }

    async fn list_influencees(
        &self,
        _: Request<ListInfluenceesRequest>,
    ) -> Result<Response<ListInfluenceesResponse>, Status> {
        Ok(Response::new(ListInfluenceesResponse::default()))
    }

    async fn list_mutuals(
        &self,
        request: Request<ListMutualsRequest>,
    ) -> Result<Response<ListMutualsResponse>, Status> {
        assert_eq!(request.into_inner().other_person, "43");
        Ok(Response::new(ListMutualsResponse {
            influencers: vec!["7".to_owned()],
            influencees: vec![],
            topics: vec!["jazz".to_owned()],
        }))
    }

    async fn batch_get_people(
        &self,
        request: Request<BatchGetPeopleRequest>,
    ) -> Result<Response<BatchGetPeopleResponse>, Status> {
        let people = request.into_inner().people.into_iter().map(|person| Person {
            accounts: vec![LinkedAccount {
                network: "bluesky".to_owned(),
                handle: format!("name{person}\u{1b}[2J"),
                ..LinkedAccount::default()
            }],
            person,
            ..Person::default()
        });
        Ok(Response::new(BatchGetPeopleResponse { people: people.collect() }))
    }
}

async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let peer = Peer::serve(Routes::new(GraphServiceServer::new(Graph))).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_klout"));
    command.args(arguments).args(["--server", peer.address()]);
    let Output { status, stdout, stderr } = command.output().await.expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("klout prints UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[tokio::test]
async fn a_list_tells_who_how_much_where_and_about_what() {
    let list = ["influencers", "42", "--network", "bluesky", "--topic", "jazz", "--top", "5"];
    let (code, stdout, stderr) = run(&list).await;
    assert_eq!(code, Some(0), "{stderr}");
    for shown in ["bluesky:name7", "2.35", "mutual", "bluesky github", "2026-11-01", "jazz"] {
        assert!(stdout.contains(shown), "no {shown}: {stdout}");
    }
    assert!(!stdout.contains('\u{1b}'), "nothing is obeyed: {stdout:?}");
    assert!(stderr.contains("--page-token 1.2"), "{stderr}");

    let (code, stdout, _) = run(&[&list[..], &["--json"]].concat()).await;
    assert_eq!(code, Some(0));
    assert!(stdout.contains("\"lastReactionTime\":\"2026-11-01T00:00:00Z\""), "{stdout}");
}

#[tokio::test]
async fn an_empty_list_says_so_and_what_two_have_in_common_is_told() {
    let (code, stdout, stderr) = run(&["influencees", "42"]).await;
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    assert!(stderr.contains("nobody"), "{stderr}");
    let (code, stdout, stderr) = run(&["mutuals", "42", "43"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("influences both") && stdout.contains("topic of both"), "{stdout}");
}
