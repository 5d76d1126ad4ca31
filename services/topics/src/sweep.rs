//! Drops posts of those who never joined.
//!
//! Who joined is asked when a post has been here for a while: an import brings posts before people.
//! What is unknown when social-graph does not answer stays until it does.

use std::{collections::BTreeSet, time::Duration};

use klout_chassis::Link;
use klout_proto::graph::v1::{
    BatchGetMembershipsRequest, graph_service_client::GraphServiceClient,
};
use sqlx::PgPool;
use tracing::instrument;

use crate::{error::Error, store};

/// Accounts asked about at once: as many as social-graph answers.
const ACCOUNTS_MAX: i64 = 1_000;

/// What sweeping needs.
#[derive(Clone, Debug)]
pub(crate) struct Sweeper {
    pub(crate) db: PgPool,
    pub(crate) graph: GraphServiceClient<Link>,
    pub(crate) unowned_time_max: Duration,
}

// === impl Sweeper ===

impl Sweeper {
    /// Looks at some accounts whose posts have waited long enough. Returns whether there were any.
    #[instrument(name = "sweep", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let store = Error::store;
        let waiting = store::post::accounts_waiting(&self.db, self.unowned_time_max, ACCOUNTS_MAX)
            .await
            .map_err(store("look for posts that nobody owns"))?;
        if waiting.is_empty() {
            return Ok(false);
        }
        let request = BatchGetMembershipsRequest { account_ids: waiting.clone() };
        let answer =
            self.graph.clone().batch_get_memberships(request).await.map_err(Error::Peer)?;
        let owned = answer.into_inner().memberships.into_iter().map(|it| it.account_id);
        let owned: BTreeSet<i64> = owned.collect();
        let (owned, strangers): (Vec<i64>, Vec<i64>) =
            waiting.into_iter().partition(|account| owned.contains(account));
        store::post::own(&self.db, &owned).await.map_err(store("note whose posts stay"))?;
        store::post::drop_of(&self.db, &strangers, self.unowned_time_max)
            .await
            .map_err(store("drop posts of strangers"))?;
        Ok(true)
    }
}
