//! What is taken in, and what is not.

use klout_proto::signal::v1::{BatchIngestSignalsRequest, IngestSignalsRequest, Signal};

use crate::world::{World, like};

fn request(signals: Vec<Signal>) -> BatchIngestSignalsRequest {
    BatchIngestSignalsRequest { signals }
}

#[tokio::test]
async fn a_signal_is_accepted_once_and_then_repeated_with_the_same_revision() {
    let world = World::start().await;
    let mut client = world.client();
    let signals = vec![like("1", "bob"), like("2", "cid")];

    let first = client.batch_ingest_signals(request(signals.clone())).await.expect("ingested");
    let again = client.batch_ingest_signals(request(signals)).await.expect("ingested");

    let (first, again) = (first.into_inner(), again.into_inner());
    assert_eq!((first.accepted, first.repeated), (2, 0));
    assert_eq!((again.accepted, again.repeated), (0, 2));
    assert_eq!(first.revision_token, again.revision_token);
    assert!(!first.revision_token.is_empty());
}

#[tokio::test]
async fn the_same_signal_twice_in_one_request_is_one_signal() {
    let world = World::start().await;
    let signals = vec![like("1", "bob"), like("1", "bob")];

    let answer = world.client().batch_ingest_signals(request(signals)).await.expect("ingested");

    let answer = answer.into_inner();
    assert_eq!((answer.accepted, answer.repeated), (1, 1));
}

#[tokio::test]
async fn a_signal_that_cannot_be_read_is_listed_with_its_place_and_stops_nothing() {
    let world = World::start().await;
    let bad = Signal { network: "n".repeat(300), ..like("2", "bob") };
    let late = prost_types::Timestamp { seconds: 253_402_300_799, nanos: 0 };
    let later = Signal { time: Some(late), ..like("3", "bob") };

    let signals = vec![like("1", "bob"), bad, later, like("4", "bob")];
    let answer = world.client().batch_ingest_signals(request(signals)).await.expect("ingested");

    let answer = answer.into_inner();
    let rejected: Vec<_> =
        answer.rejected.iter().map(|it| (it.index, it.reason.as_str())).collect();
    assert_eq!(answer.accepted, 2);
    assert_eq!(rejected, [(1, "NETWORK_INVALID"), (2, "TIME_AFTER_AS_OF")]);
}

#[tokio::test]
async fn two_requests_with_the_same_signals_at_once_accept_each_signal_once() {
    let world = World::start().await;
    let signals: Vec<_> = (0..500).map(|id| like(&id.to_string(), "bob")).collect();
    let mut reversed = signals.clone();
    reversed.reverse();
    let (mut left, mut right) = (world.client(), world.client());

    let (left, right) = tokio::join!(
        left.batch_ingest_signals(request(signals)),
        right.batch_ingest_signals(request(reversed)),
    );

    let (left, right) =
        (left.expect("ingested").into_inner(), right.expect("ingested").into_inner());
    assert_eq!(left.accepted + right.accepted, 500);
    assert_eq!(left.repeated + right.repeated, 500);
}

#[tokio::test]
async fn a_stream_is_counted_over_all_its_messages() {
    let world = World::start().await;
    let bad = Signal { signal_id: String::new(), ..like("", "bob") };
    let messages = vec![
        IngestSignalsRequest { signals: vec![like("1", "bob"), like("2", "bob")] },
        IngestSignalsRequest { signals: vec![like("2", "bob"), bad, like("3", "bob")] },
    ];

    let answer =
        world.client().ingest_signals(tokio_stream::iter(messages)).await.expect("ingested");

    let answer = answer.into_inner();
    assert_eq!((answer.accepted, answer.repeated, answer.rejected_count), (3, 1, 1));
    assert_eq!(answer.rejected[0].index, 3, "its place in the whole stream");
}
