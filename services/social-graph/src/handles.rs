//! What accounts are called, and were.

use std::collections::BTreeMap;

use klout_model::PersonId;
use klout_proto::graph::v1::HandleUse;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tracing::instrument;

use crate::{account::Account, batch::Handle, error::Error, people, store};

/// Has accounts be called by their handles from now on, where that is told: others have lost these handles then.
pub(crate) async fn take<'a>(
    db: &mut PgConnection,
    accounts: impl Iterator<Item = &'a Account>,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let told = accounts.filter(|account| account.handle != account.native_id);
    let handles: BTreeMap<_, _> = told.map(|account| (account.id, handle(account, now))).collect();
    store::account::renew_handles(&mut *db, &handles).await.map_err(Error::store("renew handles"))
}

/// What accounts of a person are and were called, newest first: up to `max` from `skip` on; and who that is.
#[instrument(skip_all)]
pub(crate) async fn list(
    db: &PgPool,
    person: PersonId,
    skip: i64,
    max: i64,
) -> Result<(PersonId, Vec<HandleUse>), Error> {
    let mut connection = db.acquire().await.map_err(Error::store("list handles"))?;
    let found = people::theirs(&mut connection, person).await?;
    let meant = found.person.parse().map_err(|_| Error::PersonUnknown { person })?;
    let listed = store::handle_use::list(&mut *connection, meant, skip, max).await;
    Ok((meant, listed.map_err(Error::store("list handles"))?))
}

fn handle(account: &Account, now: OffsetDateTime) -> Handle {
    Handle {
        seen_time: now,
        name: account.handle.clone(),
        unique_on: Some(account.network.clone()).filter(klout_model::Network::has_unique_handles),
    }
}
