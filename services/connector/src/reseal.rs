//! Seals anew what is sealed with a key that is not the first any more.

use std::{collections::BTreeMap, time::Duration};

use sqlx::PgPool;
use tracing::{info, instrument, warn};

use crate::{
    error::Error,
    seal::{For, Keys},
    store,
};

/// How often it is looked: keys change when a process starts with others.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

/// What is sealed anew in one transaction.
const ROWS_MAX: i64 = 100;

/// Seals anew, on whichever replica looks first.
#[derive(Clone, Debug)]
pub(crate) struct Resealer {
    pub(crate) db: PgPool,
    pub(crate) keys: Keys,
}

/// A key that something is sealed with, and that is not there.
#[derive(Debug, thiserror::Error)]
#[error(
    "`connector.token_keys` lacks the key {id}, and {count} secrets are sealed with it; add it again, behind the first"
)]
pub(crate) struct KeyMissing {
    id: String,
    count: i64,
}

// === impl Resealer ===

impl Resealer {
    /// Whether everything that is there opens. A key that was taken away too early is asked for, before anything that is
    /// sealed with it is given up.
    pub(crate) async fn check(&self) -> Result<Option<KeyMissing>, Error> {
        let used: BTreeMap<String, i64> = store::credential::keys(&self.db)
            .await
            .map_err(Error::store("look which keys are used"))?
            .into_iter()
            .collect();
        let known = self.keys.ids();
        let missing = used.into_iter().find(|(id, _)| !known.contains(id));
        Ok(missing.map(|(id, count)| KeyMissing { id, count }))
    }

    /// Seals some anew. Returns whether there were any.
    #[instrument(name = "reseal", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let credentials = self.credentials().await?;
        let registrations = self.registrations().await?;
        let count = credentials + registrations;
        if count > 0 {
            info!(count, "secrets were sealed anew");
        }
        Ok(count > 0)
    }

    async fn credentials(&self) -> Result<usize, Error> {
        let store = Error::store;
        let newest = self.keys.newest();
        let mut transaction = self.db.begin().await.map_err(store("begin to seal anew"))?;
        let held = store::credential::of_other_keys(&mut transaction, newest, ROWS_MAX).await;
        let mut count = 0;
        for it in held.map_err(store("look what is to be sealed anew"))? {
            let purpose = For::Account(it.account_id);
            let Ok(secret) = self.keys.open(purpose, &it.key_id, &it.sealed) else {
                warn!(account = it.account_id, "an access does not open, and is not sealed anew");
                continue;
            };
            let sealed = self.keys.seal(purpose, &secret);
            store::credential::reseal(&mut transaction, it.account_id, &sealed)
                .await
                .map_err(store("seal an access anew"))?;
            count += 1;
        }
        transaction.commit().await.map_err(store("commit what is sealed anew"))?;
        Ok(count)
    }

    async fn registrations(&self) -> Result<usize, Error> {
        let store = Error::store;
        let newest = self.keys.newest();
        let mut transaction = self.db.begin().await.map_err(store("begin to seal anew"))?;
        let held = store::registration::of_other_keys(&mut transaction, newest, ROWS_MAX).await;
        let mut count = 0;
        for it in held.map_err(store("look what is to be sealed anew"))? {
            let purpose = For::Server(&it.server);
            let Ok(secret) = self.keys.open(purpose, &it.key_id, &it.sealed) else {
                warn!(server = it.server, "a secret does not open, and is not sealed anew");
                continue;
            };
            let sealed = self.keys.seal(purpose, &secret);
            store::registration::reseal(&mut transaction, &it.server, &sealed)
                .await
                .map_err(store("seal a secret anew"))?;
            count += 1;
        }
        transaction.commit().await.map_err(store("commit what is sealed anew"))?;
        Ok(count)
    }
}
