//! Takes over what a person says of themselves.

use std::collections::BTreeMap;

use klout_model::PersonId;
use klout_proto::graph::v1::Person;
use sqlx::PgPool;
use tracing::instrument;

use crate::{
    age::AgeRules,
    error::Error,
    people,
    profile::{self, Change, Written},
    state::By,
};

/// Returns the person as it is now, and who has to be told what.
#[instrument(skip_all)]
pub(crate) async fn person(
    db: &PgPool,
    rules: AgeRules,
    person: PersonId,
    change: Change,
    by: &By<'_>,
) -> Result<(Person, Written), Error> {
    let mut held = if change.tells_age() {
        people::hold_in_turn(db, person).await?
    } else {
        people::hold(db, person).await?
    };
    let now = change.from(&held.known.profile)?;
    let before = BTreeMap::from([(held.person, held.known.clone())]);
    let profiles = BTreeMap::from([(held.person, now)]);
    let turn = held.turn.as_ref();
    let written = profile::write(&mut held.transaction, turn, rules, by, &before, profiles).await?;
    Ok((held.commit().await?, written))
}
