//! To whom people are shown: who withholds a purpose is nobody to those who ask for it.

use std::collections::BTreeSet;

use klout_chassis::Caller;
use klout_model::{PersonId, Purpose};
use sqlx::PgPool;

use crate::{error::Error, store};

/// Those of `people` who are nobody to `caller`. Operators and our own services see everybody, without a statement.
pub(crate) async fn hidden_from(
    db: &PgPool,
    caller: &Caller,
    people: &[PersonId],
) -> Result<BTreeSet<PersonId>, Error> {
    let purpose = caller.purpose();
    if people.is_empty() || !Purpose::OF_CONSENT.contains(&purpose) {
        return Ok(BTreeSet::new());
    }
    store::shown::withholding(db, people, purpose)
        .await
        .map_err(Error::store("look to what people consent"))
}
