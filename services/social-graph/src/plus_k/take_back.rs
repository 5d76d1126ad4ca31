//! Takes a +K back.

use klout_model::PersonId;
use tracing::instrument;

use super::{
    Side, Vouching,
    rules::{self, Budget},
};
use crate::{error::Error, store};

// === impl Vouching ===

impl Vouching {
    /// Takes one back that the giver gave within a day, once. Returns what is left then.
    #[instrument(name = "take_back_plus_k", skip_all)]
    pub(crate) async fn take_back(&self, giver: PersonId, id: i64) -> Result<Budget, Error> {
        let store = Error::store;
        let member = self.member(giver).await?;
        let mut transaction = self.db.begin().await.map_err(store("begin to take back"))?;
        // What is left is counted, and nobody gives meanwhile.
        let zone = store::member::hold(&mut *transaction, member.person).await;
        let zone = zone.map_err(store("hold a member"))?;
        let zone = zone.ok_or(Error::PersonUnknown { person: giver })?;
        let given = store::plus_k::find(&mut *transaction, id, Side::Given, member.person).await;
        let given = given.map_err(store("look for a +K"))?;
        let given = given.ok_or(Error::PlusKUnknown { plus_k: id })?;
        if given.take_back_time.is_none() {
            let now = self.now();
            let until = rules::take_back_until(given.give_time);
            if now > until {
                return Err(Error::PlusKFinal { until });
            }
            store::plus_k::take_back(&mut *transaction, given.giver, id, now)
                .await
                .map_err(store("take a +K back"))?;
            store::plus_k_outbox::append(&mut *transaction, &given, true)
                .await
                .map_err(store("have it told that a +K was taken back"))?;
        }
        let budget = self.budget(&mut transaction, member.person, &zone).await?;
        transaction.commit().await.map_err(store("commit what was taken back"))?;
        self.given.notify_one();
        Ok(budget)
    }
}
