//! A topics service that runs, and a social-graph that knows who joined.

use std::sync::{Arc, Mutex};

use klout_chassis::{Host, Running};
use klout_proto::{
    graph::v1::{BatchGetMembershipsRequest, BatchGetMembershipsResponse, Membership},
    signal::v1::{BatchedPost, BatchedText, SignalBatch},
    topic::v1::{ApplySignalsRequest, signal_consumer_service_client::SignalConsumerServiceClient},
};
use klout_testkit::{Peer, Stores, link, start, unary};
use klout_topics::Topics;
use tonic::Status;
use uuid::Uuid;

pub(crate) struct World {
    pub(crate) stores: Stores,
    pub(crate) running: Running,
    pub(crate) members: Members,
    _peer: Peer,
}

/// The accounts that members own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members(Arc<Mutex<Vec<i64>>>);

/// What is kept of a post: its account, day, text and tags.
pub(crate) type Kept = (i64, i32, Option<String>, Vec<String>);

impl World {
    pub(crate) async fn start(flags: &[(&'static str, &str)]) -> Self {
        let (stores, members) = (Stores::fresh().await, Members::default());
        let known = members.clone();
        let graph = unary(
            "/klout.graph.v1.GraphService/BatchGetMemberships",
            move |asked: BatchGetMembershipsRequest| {
                let accounts = asked.account_ids.into_iter().filter(|it| known.have(*it));
                let memberships = accounts.map(|account_id| Membership {
                    account_id,
                    network: "bluesky".to_owned(),
                    person_id: 1,
                    revision: 1,
                    city: String::new(),
                    country: String::new(),
                });
                Ok(BatchGetMembershipsResponse { memberships: memberships.collect() })
            },
        );
        let peer = Peer::serve(graph).await;
        let flags = [&[("links.social_graph", peer.address())], flags].concat();
        let running = start(Host::new("test").with::<Topics>(), &stores, &flags).await;
        Self { stores, running, members, _peer: peer }
    }

    /// Pushes a batch; returns whether it was applied before.
    pub(crate) async fn apply(&self, batch: SignalBatch) -> Result<bool, Status> {
        let mut client = SignalConsumerServiceClient::new(link(&self.running));
        let request = ApplySignalsRequest { batch: Some(batch) };
        Ok(client.apply_signals(request).await?.into_inner().repeated)
    }

    /// Every post that is there.
    pub(crate) async fn posts(&self) -> Vec<Kept> {
        sqlx::query_as(
            "select account_id, day, text, tags from topics.post where told > 0 order by 1, 2",
        )
        .fetch_all(&self.stores.db().await)
        .await
        .expect("posts")
    }

    /// How many rows there are, of whatever kind.
    pub(crate) async fn rows(&self) -> i64 {
        sqlx::query_scalar("select count(*) from topics.post")
            .fetch_one(&self.stores.db().await)
            .await
            .expect("a count")
    }
}

impl Members {
    pub(crate) fn join(&self, account: i64) {
        self.0.lock().expect("not poisoned").push(account);
    }

    fn have(&self, account: i64) -> bool {
        self.0.lock().expect("not poisoned").contains(&account)
    }
}

/// A batch with an id of its own.
pub(crate) fn batch() -> SignalBatch {
    SignalBatch { batch_id: Uuid::new_v4().into_bytes().to_vec(), ..SignalBatch::default() }
}

pub(crate) fn post(account_id: i64, hash: u8) -> BatchedPost {
    BatchedPost {
        account_id,
        network: "bluesky".to_owned(),
        post_hash: vec![hash; 16],
        day: 17_000,
        signal: hash.into(),
    }
}

pub(crate) fn text(account_id: i64, hash: u8, text: &str) -> BatchedText {
    BatchedText {
        account_id,
        post_hash: vec![hash; 16],
        text: Some(text.to_owned()),
        links: Vec::new(),
        tags: vec!["bread".to_owned(), "two words".to_owned()],
        signal: hash.into(),
    }
}
