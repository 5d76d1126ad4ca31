//! Asks social-graph whose accounts are.

use std::collections::HashMap;

use klout_chassis::{Chain, Link};
use klout_proto::graph::v1::{
    BatchGetMembershipsRequest, graph_service_client::GraphServiceClient,
};
use tracing::warn;

/// The way to whoever knows.
#[derive(Clone, Debug)]
pub(crate) struct Owners(pub(crate) GraphServiceClient<Link>);

// === impl Owners ===

impl Owners {
    /// Whose each of these accounts is, at most 1,000. Accounts of nobody are left out. `None`: it cannot be told now.
    pub(crate) async fn of(&self, accounts: &[i64]) -> Option<HashMap<i64, i64>> {
        let request = BatchGetMembershipsRequest { account_ids: accounts.to_vec() };
        match self.0.clone().batch_get_memberships(request).await {
            Ok(response) => {
                let memberships = response.into_inner().memberships.into_iter();
                let owned = memberships.filter(|it| it.person_id > 0);
                Some(owned.map(|it| (it.account_id, it.person_id)).collect())
            }
            Err(status) => {
                warn!(error = %Chain(&status), "whose accounts are could not be told");
                None
            }
        }
    }
}
