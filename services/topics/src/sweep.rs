//! Drops what is about those who never joined.
//!
//! Who joined is asked when evidence has been here for a while: an import brings posts before people.
//! What is unknown when social-graph does not answer stays until it does.

use std::{collections::BTreeSet, time::Duration};

use klout_chassis::Link;
use klout_proto::graph::v1::{
    BatchGetMembershipsRequest, graph_service_client::GraphServiceClient,
};
use sqlx::PgPool;
use tracing::instrument;

use crate::{apply, error::Error, store};

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
    /// Looks at some accounts whose evidence has waited long enough. Returns whether there were any.
    #[instrument(name = "sweep", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let store = Error::store;
        store::account::add_missing(&self.db, self.unowned_time_max, ACCOUNTS_MAX)
            .await
            .map_err(store("look for posts of accounts that are not known"))?;
        let waiting = store::account::waiting(&self.db, self.unowned_time_max, ACCOUNTS_MAX)
            .await
            .map_err(store("look for evidence that nobody owns"))?;
        if waiting.is_empty() {
            return Ok(false);
        }
        let request = BatchGetMembershipsRequest { account_ids: waiting.clone() };
        let answer =
            self.graph.clone().batch_get_memberships(request).await.map_err(Error::Peer)?;
        let mut memberships = answer.into_inner().memberships;
        memberships.retain(|it| it.person_id > 0);
        memberships.sort_unstable_by_key(|it| it.account_id);
        let owned: BTreeSet<i64> = memberships.iter().map(|it| it.account_id).collect();
        apply::memberships(&self.db, &memberships).await?;
        // Of what social-graph knows less of than we were told: it is asked again later.
        let owners: Vec<i64> = owned.iter().copied().collect();
        store::account::wait_again(&self.db, &owners)
            .await
            .map_err(store("have accounts wait again"))?;
        let strangers: Vec<i64> =
            waiting.into_iter().filter(|account| !owned.contains(account)).collect();
        self.drop_of(&strangers).await?;
        Ok(true)
    }

    async fn drop_of(&self, accounts: &[i64]) -> Result<(), Error> {
        let (store, time) = (Error::store, self.unowned_time_max);
        let mut transaction = self.db.begin().await.map_err(store("begin to drop evidence"))?;
        let connection = &mut *transaction;
        // Who was told to own one meanwhile keeps it.
        let accounts = store::account::strangers_locked(&mut *connection, accounts)
            .await
            .map_err(store("hold accounts of strangers"))?;
        store::post::drop_of(&mut *connection, &accounts, time)
            .await
            .map_err(store("drop posts of strangers"))?;
        store::reaction::drop_of(&mut *connection, &accounts, time)
            .await
            .map_err(store("drop reactions to strangers"))?;
        store::label::drop_of(&mut *connection, &accounts, time)
            .await
            .map_err(store("drop what strangers were called"))?;
        store::account::drop_strangers(&mut *connection, &accounts)
            .await
            .map_err(store("forget strangers"))?;
        transaction.commit().await.map_err(store("commit that evidence is dropped"))
    }
}
