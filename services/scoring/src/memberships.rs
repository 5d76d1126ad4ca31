//! Who owns which account, in the memory of this process: every reaction is looked up in it.

use std::sync::{Arc, RwLock, RwLockReadGuard};

use foldhash::fast::RandomState;
use sqlx::PgConnection;
use tokio::sync::Mutex;
use tracing::instrument;

use crate::{error::Error, store};

/// Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memberships(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    owners: RwLock<Owners>,
    /// What to ask for next; `None`: everything.
    next: Mutex<Option<String>>,
}

/// The person who owns each account that somebody owns.
pub(crate) type Owners = std::collections::HashMap<i64, i64, RandomState>;

// === impl Memberships ===

impl Memberships {
    /// Takes over what changed since it was asked last: at first everything, later next to nothing. Sees
    /// whatever was committed before.
    #[instrument(name = "refresh_memberships", skip_all)]
    pub(crate) async fn refresh(&self, db: &mut PgConnection) -> Result<(), Error> {
        let mut next = self.0.next.lock().await;
        if next.is_none() {
            store::account::mend_owned_since(&mut *db)
                .await
                .map_err(Error::store("number who owns accounts"))?;
        }
        let (changed, later) = store::account::owned_since(db, next.as_deref().unwrap_or("0"))
            .await
            .map_err(Error::store("read who owns accounts"))?;
        if !changed.is_empty() {
            let mut owners = self.0.owners.write().expect("nobody panics with it");
            for it in changed {
                match it.person {
                    Some(person) => owners.insert(it.account, person),
                    None => owners.remove(&it.account),
                };
            }
        }
        *next = Some(later);
        Ok(())
    }

    /// As of the last refresh.
    pub(crate) fn owners(&self) -> RwLockReadGuard<'_, Owners> {
        self.0.owners.read().expect("nobody panics with it")
    }
}
