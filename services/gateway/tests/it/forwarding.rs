//! gRPC through the gateway.

use klout_chassis::reason;
use klout_proto::{
    graph::v1::{
        BatchGetMembershipsRequest, GetBacklogRequest, graph_service_client::GraphServiceClient,
    },
    score::v1::{
        ApplySignalsRequest, ApplySignalsResponse, BatchGetActorsRequest, GetScoreRequest,
        ListContestsRequest, StartRebuildRequest, StartRescoreRequest, WatchScoresRequest,
        WithdrawModelRequest, WithdrawModelResponse, get_score_request::Subject,
        score_operator_service_client::ScoreOperatorServiceClient,
        score_service_client::ScoreServiceClient,
        signal_consumer_service_client::SignalConsumerServiceClient,
    },
    signal::v1::{
        IngestSignalsRequest, RedeliverSignalsRequest, signal_service_client::SignalServiceClient,
    },
};
use klout_testkit::{Peer, link_to, unary};
use tonic::{Code, Request, metadata::MetadataValue, service::Routes};

use crate::world::{ANN, DISTRUSTED, SLOW, World};

fn client(world: &World) -> ScoreServiceClient<klout_chassis::Link> {
    ScoreServiceClient::new(link_to(world.running.http_address.expect("a gateway")))
}

fn request(person: &str) -> Request<GetScoreRequest> {
    let subject = Some(Subject::Person(person.to_owned()));
    Request::new(GetScoreRequest { subject, ..Default::default() })
}

#[tokio::test]
async fn a_call_reaches_its_service_and_its_answer_the_caller() {
    let world = World::start().await;
    let mut client = client(&world);

    let score = client.get_score(request(ANN)).await.expect("a score").into_inner().score;
    assert_eq!(score.and_then(|score| score.score), Some(61.5));
    let refused = client.get_score(request("7")).await.expect_err("nobody");
    assert_eq!(refused.code(), Code::NotFound);
    assert_eq!(reason(&refused).as_deref(), Some("PERSON_UNKNOWN"));
    let failed = client.get_score(request(DISTRUSTED)).await.expect_err("distrusted");
    assert_eq!(reason(&failed).as_deref(), Some("PEER_FAILED"), "not the caller's mistake");
}

#[tokio::test]
async fn the_callers_deadline_is_kept() {
    let world = World::start().await;
    let mut request = request(SLOW);
    request.set_timeout(std::time::Duration::from_millis(200));

    let late = client(&world).get_score(request).await.expect_err("never answered");

    assert_eq!(late.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn calls_of_every_service_go_on_and_streams_too() {
    let world = World::start().await;
    let link = link_to(world.running.http_address.expect("a gateway"));

    let graph = GraphServiceClient::new(link.clone()).get_backlog(GetBacklogRequest {}).await;
    let signals = tokio_stream::iter([IngestSignalsRequest::default()]);
    let signals = SignalServiceClient::new(link).ingest_signals(signals).await;

    // The played peer has scoring alone, and says so itself: the gateway knows them all.
    for refused in [graph.map(|_| ()), signals.map(|_| ())] {
        assert_eq!(refused.expect_err("not played").code(), Code::Unimplemented);
    }
}

#[tokio::test]
async fn a_call_without_a_key_is_refused_as_grpc_does() {
    let (secret, key) = ("x".repeat(40), "ab".repeat(32));
    let world = World::start_with(&[
        ("server.dev", "false"),
        ("server.token_secret", &secret),
        ("server.account_key", &key),
    ])
    .await;
    let address = world.url("");
    let channel = tonic::transport::Endpoint::from_shared(address).expect("an address");
    let mut client = ScoreServiceClient::new(channel.connect().await.expect("connected"));

    let refused = client.get_score(request(ANN)).await.expect_err("no key");

    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(reason(&refused).as_deref(), Some("TOKEN_MISSING"));
}

#[tokio::test]
async fn what_services_push_to_one_another_and_what_runs_a_deployment_is_for_the_operator_alone() {
    let (secret, key) = ("x".repeat(40), "ab".repeat(32));
    let scoring =
        unary("/klout.score.v1.SignalConsumerService/ApplySignals", |_: ApplySignalsRequest| {
            Ok(ApplySignalsResponse { repeated: true })
        });
    let withdraw =
        unary("/klout.score.v1.ScoreOperatorService/WithdrawModel", |_: WithdrawModelRequest| {
            Ok(WithdrawModelResponse {})
        });
    let scoring = Routes::from(scoring.into_axum_router().merge(withdraw.into_axum_router()));
    let scoring = Peer::serve(scoring).await;
    let world = World::start_with(&[
        ("server.dev", "false"),
        ("server.token_secret", &secret),
        ("server.account_key", &key),
        ("links.scoring", scoring.address()),
    ])
    .await;
    let channel = tonic::transport::Endpoint::from_shared(world.url("")).expect("an address");
    let channel = channel.connect().await.expect("connected");
    let mut consumer = SignalConsumerServiceClient::new(channel.clone());
    let mut operator = ScoreOperatorServiceClient::new(channel);
    let now = klout_chassis::Clock::running().now();
    let header = |purpose: &str| {
        let token = klout_chassis::TokenKey::new(secret.as_bytes())
            .mint("somebody", purpose, now, time::Duration::hours(1))
            .expect("a token");
        format!("Bearer {token}").parse().expect("a header")
    };
    let mut push = async |purpose: &str| {
        let mut request = Request::new(ApplySignalsRequest::default());
        request.metadata_mut().insert("authorization", header(purpose));
        consumer.apply_signals(request).await
    };
    let mut withdraw = async |purpose: &str| {
        let mut request = Request::new(WithdrawModelRequest::default());
        request.metadata_mut().insert("authorization", header(purpose));
        operator.withdraw_model(request).await
    };

    let refused = push("look-ups").await.expect_err("not theirs to call");
    assert_eq!(reason(&refused).as_deref(), Some("METHOD_UNKNOWN"));
    let refused = withdraw("look-ups").await.expect_err("not theirs to call");
    assert_eq!(reason(&refused).as_deref(), Some("METHOD_UNKNOWN"));
    let channel = tonic::transport::Endpoint::from_shared(world.url("")).expect("an address");
    let channel = channel.connect().await.expect("connected");
    let token = klout_chassis::TokenKey::new(secret.as_bytes())
        .mint("somebody", "look-ups", now, time::Duration::hours(1))
        .expect("a token");
    let value: MetadataValue<_> = format!("Bearer {token}").parse().expect("a header");
    let mut asking = |mut request: Request<()>| {
        request.metadata_mut().insert("authorization", value.clone());
        Ok(request)
    };
    let started = ScoreOperatorServiceClient::with_interceptor(channel.clone(), &mut asking)
        .start_rebuild(StartRebuildRequest {})
        .await
        .map(|_| ());
    let listed = ScoreServiceClient::with_interceptor(channel.clone(), &mut asking)
        .list_contests(ListContestsRequest::default())
        .await
        .map(|_| ());
    let actors = ScoreServiceClient::with_interceptor(channel.clone(), &mut asking)
        .batch_get_actors(BatchGetActorsRequest::default())
        .await
        .map(|_| ());
    let owners = GraphServiceClient::with_interceptor(channel.clone(), &mut asking)
        .batch_get_memberships(BatchGetMembershipsRequest::default())
        .await
        .map(|_| ());
    let delivered = SignalServiceClient::with_interceptor(channel, &mut asking)
        .redeliver_signals(RedeliverSignalsRequest::default())
        .await
        .map(|_| ());
    for refused in [started, listed, actors, owners, delivered] {
        let refused = refused.expect_err("not theirs to call");
        assert_eq!(reason(&refused).as_deref(), Some("METHOD_UNKNOWN"));
    }
    assert!(push("operator").await.expect("it goes on").into_inner().repeated);
    withdraw("operator").await.expect("it goes on");
}

#[tokio::test]
async fn a_pass_is_started_for_the_operator_alone() {
    let (secret, key) = ("x".repeat(40), "ab".repeat(32));
    let world = World::start_with(&[
        ("server.dev", "false"),
        ("server.token_secret", &secret),
        ("server.account_key", &key),
    ])
    .await;
    let channel = tonic::transport::Endpoint::from_shared(world.url("")).expect("an address");
    let mut scores = ScoreServiceClient::new(channel.connect().await.expect("connected"));
    let mut start = async |purpose: &str| {
        let token = klout_chassis::TokenKey::new(secret.as_bytes())
            .mint(
                "somebody",
                purpose,
                klout_chassis::Clock::running().now(),
                time::Duration::hours(1),
            )
            .expect("a token");
        let mut request = Request::new(StartRescoreRequest::default());
        let header = format!("Bearer {token}").parse().expect("a header");
        request.metadata_mut().insert("authorization", header);
        scores.start_rescore(request).await
    };

    let refused = start("look-ups").await.expect_err("not theirs to start");
    assert_eq!(reason(&refused).as_deref(), Some("METHOD_UNKNOWN"));
    assert!(start("operator").await.expect("it goes on").into_inner().already_running);
}

#[tokio::test]
async fn a_stream_without_an_end_ends_when_the_gateway_does() {
    let world = World::start().await;
    let watched = client(&world).watch_scores(WatchScoresRequest::default()).await;
    let mut stream = watched.expect("it goes on").into_inner();
    stream.message().await.expect("passed on").expect("what scoring said");

    let (stopped, ended) = tokio::join!(world.running.stop(), stream.message());

    stopped.expect("in order");
    let ended = ended.expect_err("it is told");
    assert_eq!((ended.code(), reason(&ended).as_deref()), (Code::Unavailable, Some("STOPPING")));
}
