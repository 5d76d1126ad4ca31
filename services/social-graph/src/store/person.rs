//! `social_graph.person`: those who joined.

use std::collections::BTreeMap;

use klout_model::PersonId;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

/// Adds new people.
#[instrument(name = "db.person.insert", skip_all, fields(people.len = people.len()))]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
    create_time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
    sqlx::query!(
        r#"
        insert into social_graph.person (person_id, create_time)
        select person_id, $2 from unnest($1::bigint[]) as new (person_id)
        "#,
        &ids,
        create_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Since when each of these people is there. Who is missing does not exist.
#[instrument(name = "db.person.create_times", skip_all, fields(people.len = people.len()))]
pub(crate) async fn create_times(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, OffsetDateTime>, sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
    let rows = sqlx::query!(
        r#"
        select person_id, create_time
        from social_graph.person
        where person_id = any($1)
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((PersonId::new(row.person_id)?, row.create_time)))
        .collect())
}
