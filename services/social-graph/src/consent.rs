//! To what people consent, and how they leave.
//!
//! Whatever changes is committed first and told then; a call that is repeated finds nothing to change, and waits again
//! until everybody has confirmed.

use klout_chassis::failpoint;
use klout_model::PersonId;
use klout_proto::graph::v1::{Consent, Receipt};
use sqlx::PgPool;
use tracing::instrument;
use uuid::Uuid;

use crate::{
    age::AgeRules,
    announce::Bell,
    error::Error,
    lookups,
    state::{By, Change, Standing, State, Turn},
    store,
    tell::Teller,
};

/// What a change of consent stands on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ledger<'a> {
    pub(crate) db: &'a PgPool,
    pub(crate) owners_changed: &'a Bell,
    pub(crate) teller: &'a Teller,
    pub(crate) age_rules: AgeRules,
}

/// Somebody who is asked about.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Who it is now: somebody else, of whoever was merged.
    pub(crate) person: PersonId,
    /// What holds. `None`: nothing is left of them but that they were erased.
    pub(crate) standing: Option<Standing>,
}

/// Who a person is by now, whatever their state.
#[instrument(skip_all)]
pub(crate) async fn find(db: &PgPool, person: PersonId) -> Result<Found, Error> {
    let mut person = person;
    // A merged person is somebody who is not merged; one who was erased since may be gone.
    for _ in 0..2 {
        let standing =
            store::person::standing(db, person).await.map_err(Error::store("read a state"))?;
        let state = match &standing {
            Some(standing) => Some(standing.state),
            None => {
                let state = store::person_state::find(db, person).await;
                state.map_err(Error::store("read the state of who is gone"))?
            }
        };
        match state {
            Some(State::Merged { into }) => person = into,
            Some(State::Member | State::Withheld | State::OptedOut) if standing.is_some() => {
                return Ok(Found { person, standing });
            }
            Some(State::Erased) => return Ok(Found { person, standing: None }),
            Some(_) | None => break,
        }
    }
    Err(Error::PersonUnknown { person })
}

// === impl Ledger ===

impl Ledger<'_> {
    /// Changes consent, and tells it. Returns what holds, and the receipt of somebody who has opted out.
    #[instrument(skip_all)]
    pub(crate) async fn set(
        &self,
        person: PersonId,
        changes: &[Change],
        by: &By<'_>,
    ) -> Result<(Consent, Option<Receipt>), Error> {
        let Found { person, standing } = find(self.db, person).await?;
        standing.ok_or(Error::PersonUnknown { person })?;
        let store = Error::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to set consent"))?;
        let turn = Turn::take(&mut transaction).await?;
        let known = store::person::lock(&mut *transaction, &[person])
            .await
            .map_err(store("lock a person"))?
            .remove(&person);
        let known = known.ok_or(Error::PersonUnknown { person })?;
        // Who is too young does not take part by wanting to.
        let allowed = match known.standing.state {
            State::Withheld => State::Withheld,
            State::Member | State::OptedOut | State::Erased | State::Merged { .. } => {
                self.age_rules.state(known.profile.age_band)
            }
        };
        let allow = |change: &Change| match change {
            Change::State(State::Member) => Change::State(allowed),
            Change::State(_) | Change::Purpose { .. } | Change::Network { .. } => change.clone(),
        };
        let changes: Vec<_> = changes.iter().map(allow).collect();
        let (standing, changed) = turn.change(&mut transaction, person, &changes, by).await?;
        failpoint!("social_graph.state.written");
        transaction.commit().await.map_err(store("commit consent"))?;
        failpoint!("social_graph.state.committed");
        if changed {
            self.owners_changed.ring();
        }
        self.teller.tell(&[person]).await?;
        let receipt = match standing.state {
            State::OptedOut => {
                lookups::settle(self.db).await?;
                Some(newest(self.db, person, "OPT_OUT").await?)
            }
            State::Member | State::Withheld | State::Erased | State::Merged { .. } => None,
        };
        Ok((to_wire(&standing), receipt))
    }

    /// Erases somebody, or waits again for it. Returns the receipt.
    #[instrument(skip_all)]
    pub(crate) async fn erase(&self, person: PersonId, by: &By<'_>) -> Result<Receipt, Error> {
        let Found { person, standing } = find(self.db, person).await?;
        if standing.is_some() {
            self.erase_all(&[person], by).await?;
        }
        self.teller.tell(&[person]).await?;
        // So that the receipt has those who were told something a moment ago.
        lookups::settle(self.db).await?;
        newest(self.db, person, "ERASURE").await
    }

    /// Erases those of these people who are not erased, and returns them; who has to be told is not told yet.
    pub(crate) async fn erase_all(
        &self,
        people: &[PersonId],
        by: &By<'_>,
    ) -> Result<Vec<PersonId>, Error> {
        let store = Error::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to erase"))?;
        let turn = Turn::take(&mut transaction).await?;
        let change = Change::State(State::Erased);
        let erased = turn.change_all(&mut transaction, people, &[change], by).await?;
        failpoint!("social_graph.state.written");
        transaction.commit().await.map_err(store("commit an erasure"))?;
        failpoint!("social_graph.state.committed");
        self.owners_changed.ring();
        Ok(erased.into_keys().collect())
    }
}

/// A receipt as far as it has come.
#[instrument(skip_all)]
pub(crate) async fn receipt(db: &PgPool, receipt: Uuid) -> Result<Receipt, Error> {
    let found = store::receipt::read(db, receipt).await.map_err(Error::store("read a receipt"))?;
    found.ok_or(Error::ReceiptUnknown { receipt })
}

async fn newest(db: &PgPool, person: PersonId, kind: &'static str) -> Result<Receipt, Error> {
    let newest = store::receipt::newest(db, person, kind)
        .await
        .map_err(Error::store("look for a receipt"))?;
    receipt(db, newest.ok_or(Error::PersonUnknown { person })?).await
}

/// What holds, as callers are told.
pub(crate) fn to_wire(standing: &Standing) -> Consent {
    Consent {
        state: standing.state.as_str().to_owned(),
        withheld_purposes: standing.withheld_purposes.iter().cloned().collect(),
        withheld_networks: standing.withheld_networks.iter().cloned().collect(),
    }
}
