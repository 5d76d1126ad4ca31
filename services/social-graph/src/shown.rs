//! To whom people are shown, and how much of them: who withholds a purpose is nobody to those who ask for it.

use std::collections::BTreeSet;

use klout_chassis::Caller;
use klout_model::{PersonId, Purpose};
use klout_proto::graph::v1::Person;
use sqlx::PgPool;

use crate::{error::Error, people, store};

/// Whether consent decides what `caller` sees. Operators and our own services see everybody.
pub(crate) fn hangs_on_consent(caller: &Caller) -> bool {
    Purpose::OF_CONSENT.contains(&caller.purpose())
}

/// What is hidden from somebody who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hidden {
    /// The purpose for which they ask, if consent decides what they see.
    purpose: Option<Purpose>,
}

impl Hidden {
    pub(crate) fn from(caller: &Caller) -> Self {
        Self { purpose: Some(caller.purpose()).filter(|_| hangs_on_consent(caller)) }
    }

    /// Whether somebody is, who withholds these purposes.
    pub(crate) fn person(self, withheld_purposes: &[String]) -> bool {
        self.purpose.is_some_and(|it| withheld_purposes.iter().any(|word| word == it.as_str()))
    }

    /// Whether an account is, whose owner withholds its network or does not.
    pub(crate) const fn account(self, withheld: bool) -> bool {
        self.purpose.is_some() && withheld
    }
}

/// Somebody whom `caller` is shown; whoever is merged is the other one.
pub(crate) async fn shown_to(
    db: &PgPool,
    caller: &Caller,
    person: PersonId,
) -> Result<Person, Error> {
    let mut connection = db.acquire().await.map_err(Error::store("read people"))?;
    let found = people::shown(&mut connection, &[person]).await?.remove(&person);
    let hidden = Hidden::from(caller);
    let shown = found.filter(|found| !hidden.person(&found.withheld_purposes));
    shown.ok_or(Error::PersonUnknown { person })
}

/// Refuses to do anything for somebody whom `caller` is not shown.
pub(crate) async fn check(db: &PgPool, caller: &Caller, person: PersonId) -> Result<(), Error> {
    if hangs_on_consent(caller) { shown_to(db, caller, person).await.map(|_| ()) } else { Ok(()) }
}

/// What `caller` is told of somebody: neither what they withhold, nor that they do, nor how old they are.
pub(crate) fn as_told(caller: &Caller, mut person: Person) -> Person {
    if hangs_on_consent(caller) {
        let withheld = std::mem::take(&mut person.withheld_networks);
        person.accounts.retain(|account| !withheld.contains(&account.network));
        person.withheld_purposes.clear();
        person.age_band.clear();
    }
    person
}

/// Those of `people` who are nobody to `caller`. Operators and our own services see everybody, without a statement; for
/// others there is one, also when nobody was found, or its absence would tell nobody from who is hidden.
pub(crate) async fn hidden_from(
    db: &PgPool,
    caller: &Caller,
    people: &[PersonId],
) -> Result<BTreeSet<PersonId>, Error> {
    if !hangs_on_consent(caller) {
        return Ok(BTreeSet::new());
    }
    store::shown::withholding(db, people, caller.purpose())
        .await
        .map_err(Error::store("look to what people consent"))
}
