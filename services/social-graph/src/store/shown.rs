//! `social_graph.person`, as far as people consent to be seen.

use std::collections::{BTreeMap, BTreeSet};

use klout_model::{PersonId, Purpose};
use sqlx::PgExecutor;
use tracing::instrument;

use super::person::id as person;

/// Those of these people who withhold a purpose.
#[instrument(name = "db.person.withholding", skip_all, fields(people.len = people.len()))]
pub(crate) async fn withholding(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
    purpose: Purpose,
) -> Result<BTreeSet<PersonId>, sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
    let rows = sqlx::query_scalar!(
        r#"
        select person_id
        from social_graph.person
        where person_id = any($1) and $2 = any(withheld_purposes)
        "#,
        &ids,
        purpose.as_str(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(PersonId::new).collect())
}

/// The members whom these ids mean, by the id that was asked for: themselves, or whom they were merged into; each with
/// what they do not consent to.
#[instrument(name = "db.person.members", skip_all, fields(people.len = people.len()))]
pub(crate) async fn members(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, (PersonId, Vec<String>)>, sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
    let rows = sqlx::query!(
        r#"
        select asked.person_id as asked_id, person.person_id, person.withheld_purposes
        from social_graph.person as asked
        join social_graph.person on person.person_id = coalesce(asked.merged_into, asked.person_id)
        where asked.person_id = any($1) and person.state = 'MEMBER'
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let mut members = BTreeMap::new();
    for row in rows {
        let meant = (person(row.person_id)?, row.withheld_purposes);
        members.insert(person(row.asked_id)?, meant);
    }
    Ok(members)
}

/// Who somebody is now: themselves, or whom they were merged into. `None`: nobody, or somebody who was erased.
#[instrument(name = "db.person.who", skip_all)]
pub(crate) async fn who(
    db: impl PgExecutor<'_>,
    person: PersonId,
) -> Result<Option<PersonId>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"
        select coalesce(merged_into, person_id) as "person_id!"
        from social_graph.person
        where person_id = $1 and state <> 'ERASED'
        "#,
        person.get(),
    )
    .fetch_optional(db)
    .await?;
    Ok(found.and_then(PersonId::new))
}
