//! A connector that runs, and signals for it.

use klout_chassis::{Host, Running};
use klout_connector::Connector;
use klout_proto::signal::v1::{
    Account, BatchIngestSignalsRequest, BatchIngestSignalsResponse, GetBacklogRequest, Interaction,
    Signal, signal::Content, signal_service_client::SignalServiceClient,
};
use klout_testkit::{Peer, Stores, link, start, until};

use crate::consumer::Consumers;

/// The clock of these tests.
pub(crate) const AS_OF: &str = "2018-06-01T12:00:00Z";

pub(crate) struct World {
    pub(crate) stores: Stores,
    pub(crate) consumers: Consumers,
    pub(crate) running: Running,
    _peer: Peer,
}

pub(crate) type Client = SignalServiceClient<klout_chassis::Link>;

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_on(Stores::fresh().await, Consumers::default()).await
    }

    pub(crate) async fn start_on(stores: Stores, consumers: Consumers) -> Self {
        Self::start_with(stores, consumers, &[]).await
    }

    pub(crate) async fn start_with(
        stores: Stores,
        consumers: Consumers,
        settings: &[(&'static str, &str)],
    ) -> Self {
        let peer = consumers.serve().await;
        let mut flags = vec![
            ("server.as_of", AS_OF),
            ("links.scoring", peer.address()),
            ("links.social_graph", peer.address()),
            ("links.topics", peer.address()),
            ("connector.deliver_interval", "20ms"),
        ];
        flags.extend(settings);
        let running = start(Host::new("test").with::<Connector>(), &stores, &flags).await;
        Self { stores, consumers, running, _peer: peer }
    }

    pub(crate) fn client(&self) -> Client {
        SignalServiceClient::new(link(&self.running))
    }

    /// Takes signals in, and waits until they were delivered.
    pub(crate) async fn deliver(&self, signals: Vec<Signal>) -> BatchIngestSignalsResponse {
        let mut client = self.client();
        let request = BatchIngestSignalsRequest { signals };
        let answer = client.batch_ingest_signals(request).await.expect("ingested").into_inner();
        until("the outbox is empty", async || {
            let backlog = client.get_backlog(GetBacklogRequest {}).await.expect("a backlog");
            backlog.into_inner().batches == 0
        })
        .await;
        answer
    }
}

/// `actor` likes something of ann's; `id` names the signal.
pub(crate) fn like(id: &str, actor: &str) -> Signal {
    let named = |name: &str| Some(Account { native_id: name.to_owned(), handle: None });
    Signal {
        network: "bluesky".to_owned(),
        signal_id: id.to_owned(),
        time: Some(prost_types::Timestamp { seconds: 1_527_811_200, nanos: 0 }),
        content: Some(Content::Interaction(Interaction {
            actor: named(actor),
            subject: named("ann"),
            kind: "like".to_owned(),
            count: Some(1),
            post: None,
            label: None,
        })),
    }
}
