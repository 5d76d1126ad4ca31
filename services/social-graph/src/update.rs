//! Takes over what a person says of themselves.

use std::collections::BTreeMap;

use klout_model::PersonId;
use klout_proto::graph::v1::Person;
use sqlx::PgPool;
use tracing::instrument;

use crate::{
    error::Error,
    people,
    place::{self, Move},
    store,
};

/// Moves a person. Returns the person as it is now, and whether somebody has to be told.
#[instrument(skip_all)]
pub(crate) async fn person(
    db: &PgPool,
    person: PersonId,
    to: Move,
) -> Result<(Person, bool), Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to update a person"))?;
    let before = store::person::places_locked(&mut *transaction, &[person])
        .await
        .map_err(store("read where a person lives"))?;
    let place = to.from(before.get(&person).ok_or(Error::PersonUnknown { person })?)?;
    let changed =
        place::write(&mut transaction, &before, BTreeMap::from([(person, place)])).await?;
    let found = people::find(&mut transaction, &[person]).await?.remove(&person);
    let found = found.ok_or(Error::PersonUnknown { person })?;
    transaction.commit().await.map_err(store("commit a person"))?;
    Ok((found, changed))
}
