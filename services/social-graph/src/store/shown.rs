//! `social_graph.person`, as far as people consent to be seen.

use std::collections::BTreeSet;

use klout_model::{PersonId, Purpose};
use sqlx::PgExecutor;
use tracing::instrument;

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
