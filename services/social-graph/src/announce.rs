//! Tells scoring who owns which account, at least once.
//!
//! Accounts are leased in one short statement, told while no transaction is open, and forgotten when
//! scoring has confirmed them. The lease is short and renewed meanwhile: a process that dies in between leaves
//! one that runs out soon. Scoring keeps the newest revision, whatever it is told again.

use std::time::Duration;

use klout_chassis::{Link, failpoint, renewing};
use klout_proto::score::v1::{
    ApplyMembershipsRequest, signal_consumer_service_client::SignalConsumerServiceClient,
};
use sqlx::PgPool;
use tokio::time::timeout;
use tonic::Status;
use tracing::instrument;

use crate::store;

/// Accounts told at once: as many as scoring takes in one call.
const ACCOUNTS_MAX: i64 = 1_000;

/// How long scoring may take.
const PUSH_TIME_MAX: Duration = Duration::from_secs(30);

/// How long accounts are ours unless we renew that: what a process that dies had leased waits as long.
const LEASE_TIME: Duration = Duration::from_secs(10);

/// How often a lease is renewed, so that one can fail to be.
const RENEW_INTERVAL: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error)]
pub(crate) enum AnnounceError {
    #[error("could not {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("scoring did not take the owners of {count} accounts")]
    Push {
        count: usize,
        #[source]
        source: Status,
    },
}

/// The way to scoring.
#[derive(Clone, Debug)]
pub(crate) struct Announcer {
    pub(crate) db: PgPool,
    pub(crate) scoring: SignalConsumerServiceClient<Link>,
}

// === impl Announcer ===

impl Announcer {
    /// Tells what is due. Returns whether there was anything.
    #[instrument(name = "announce", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, AnnounceError> {
        let store = |action| move |source| AnnounceError::Store { action, source };
        let leased = store::membership_outbox::lease(&self.db, ACCOUNTS_MAX, LEASE_TIME)
            .await
            .map_err(store("lease accounts"))?;
        if leased.is_empty() {
            return Ok(false);
        }
        failpoint!("social_graph.accounts.leased");
        let memberships = store::account::memberships(&self.db, &leased)
            .await
            .map_err(store("read who owns accounts"))?;

        let mut request =
            tonic::Request::new(ApplyMembershipsRequest { memberships: memberships.clone() });
        request.set_timeout(PUSH_TIME_MAX);
        let mut scoring = self.scoring.clone();
        // Scoring keeps to the time limit by itself, unless it hangs.
        let push = timeout(PUSH_TIME_MAX, scoring.apply_memberships(request));
        let pushed = renewing(RENEW_INTERVAL, push, || {
            store::membership_outbox::renew(&self.db, &leased, LEASE_TIME)
        })
        .await
        .unwrap_or_else(|_| Err(Status::deadline_exceeded("scoring hangs")));
        if let Err(source) = pushed {
            store::membership_outbox::release(&self.db, &leased)
                .await
                .map_err(store("give accounts back"))?;
            return Err(AnnounceError::Push { count: leased.len(), source });
        }
        failpoint!("social_graph.accounts.pushed");
        store::membership_outbox::delete(&self.db, &memberships)
            .await
            .map_err(store("take accounts out of the outbox"))?;
        Ok(true)
    }
}
