//! Takes no +K from somebody any more.

use klout_model::PersonId;
use tracing::instrument;

use super::{Vouching, hold_and_keep};
use crate::{error::Error, store};

/// How many people one blocks at most.
pub(crate) const BLOCKS_MAX: i64 = 1_000;

// === impl Vouching ===

impl Vouching {
    /// Blocks somebody. What they proposed is gone; what they gave stays.
    #[instrument(name = "block_person", skip_all)]
    pub(crate) async fn block(&self, person: PersonId, blocked: PersonId) -> Result<(), Error> {
        let store = Error::store;
        let (person, blocked) = self.two(person, ("blocked", blocked)).await?;
        let mut transaction = self.db.begin().await.map_err(store("begin to block"))?;
        hold_and_keep(&mut transaction, person.person, blocked.person).await?;
        let is_there = store::block::is_there(&mut *transaction, person.person, blocked.person);
        if is_there.await.map_err(store("look for a block"))? {
            return Ok(());
        }
        let count = store::block::count(&mut *transaction, person.person).await;
        if count.map_err(store("count blocks"))? >= BLOCKS_MAX {
            return Err(Error::BlocksTooMany);
        }
        let now = self.now();
        store::block::add(&mut *transaction, person.person, blocked.person, now)
            .await
            .map_err(store("write a block"))?;
        store::topic_proposal::delete_of(&mut *transaction, person.person, blocked.person)
            .await
            .map_err(store("delete proposals"))?;
        transaction.commit().await.map_err(store("commit a block"))
    }

    /// Ends a block, also of somebody who is no member any more.
    #[instrument(name = "unblock_person", skip_all)]
    pub(crate) async fn unblock(&self, person: PersonId, blocked: PersonId) -> Result<(), Error> {
        let store = Error::store;
        let asked = [person.get(), blocked.get()];
        let found = store::member::find(&self.db, &asked).await;
        let found = found.map_err(store("look for members"))?;
        let blocker = found.get(&person.get()).ok_or(Error::PersonUnknown { person })?;
        let other = found.get(&blocked.get()).map_or(blocked.get(), |it| it.person);
        store::block::remove(&self.db, blocker.person, other).await.map_err(store("end a block"))
    }
}
