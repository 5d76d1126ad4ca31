//! Where the connector says no.

use std::time::Duration;

use klout_chassis::{Host, StartError, reason};
use klout_connector::Connector;
use klout_proto::signal::v1::{BatchIngestSignalsRequest, IngestSignalsRequest};
use klout_testkit::{Stores, configuration};
use tonic::{Code, Request, Status};

use crate::{
    consumer::Consumers,
    world::{World, like},
};

fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status).expect("every refusal has a reason"))
}

#[tokio::test]
async fn more_than_a_thousand_signals_are_refused() {
    let world = World::start().await;
    let signals = (0..1_001).map(|id| like(&id.to_string(), "bob")).collect();

    let request = BatchIngestSignalsRequest { signals };
    let status = world.client().batch_ingest_signals(request).await.expect_err("refused");

    assert_eq!(told(&status), (Code::InvalidArgument, "SIGNALS_TOO_MANY".to_owned()));
}

#[tokio::test]
async fn a_message_over_four_megabytes_is_refused() {
    let world = World::start().await;
    let signals = (0..1_000).map(|id| like(&format!("{id}{}", "x".repeat(5_000)), "bob")).collect();

    let request = BatchIngestSignalsRequest { signals };
    let status = world.client().batch_ingest_signals(request).await.expect_err("refused");

    assert_eq!(told(&status), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".to_owned()));
}

#[tokio::test]
async fn a_stream_that_never_ends_is_ended_and_what_it_brought_is_kept() {
    let settings = [("connector.stream_time_max", "200ms")];
    let world = World::start_with(Stores::fresh().await, Consumers::default(), &settings).await;
    let first = IngestSignalsRequest { signals: vec![like("1", "bob")] };
    let endless = futures::StreamExt::chain(tokio_stream::iter([first]), tokio_stream::pending());

    let status = world.client().ingest_signals(endless).await.expect_err("refused");

    assert_eq!(told(&status), (Code::ResourceExhausted, "STREAM_TOO_LONG".to_owned()));
    let request = BatchIngestSignalsRequest { signals: vec![like("1", "bob")] };
    let again = world.client().batch_ingest_signals(request).await.expect("ingested");
    assert_eq!(again.into_inner().repeated, 1);
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_told_apart() {
    let world = World::start().await;
    let mut request = Request::new(BatchIngestSignalsRequest { signals: vec![like("1", "bob")] });
    request.metadata_mut().insert("grpc-timeout", "0n".parse().expect("a header"));

    let status = world.client().batch_ingest_signals(request).await.expect_err("refused");

    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_database_of_another_account_key_is_refused() {
    let stores = Stores::fresh().await;
    let world = World::start_on(stores.clone(), Consumers::default()).await;
    world.running.stop().await.expect("stopped in order");

    let host = Host::new("test").with::<Connector>();
    let key = "ab".repeat(32);
    let configuration = configuration(&host, &stores, &[("server.account_key", &key)]);
    let error = host.start(&configuration).await.expect_err("refused");

    assert!(matches!(error, StartError::Build { service: "connector", .. }), "{error:?}");
}

#[tokio::test]
async fn a_process_stops_in_time_while_a_consumer_hangs() {
    let world = World::start().await;
    world.consumers.refuse(true);
    let request = BatchIngestSignalsRequest { signals: vec![like("1", "bob")] };
    world.client().batch_ingest_signals(request).await.expect("ingested");

    let stopped = tokio::time::timeout(Duration::from_secs(20), world.running.stop()).await;

    stopped.expect("within its grace").expect("in order");
}
