//! `scoring.dirty_person`: who has to be scored again.

use std::collections::BTreeSet;

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

/// Puts people on the list, and keeps those who are on it from being taken off before the
/// transaction, whose evidence they have to be scored with, has ended.
#[instrument(name = "db.dirty_person.mark", skip_all, fields(people.len = people.len()))]
pub(crate) async fn mark(db: &mut PgConnection, people: &BTreeSet<i64>) -> Result<(), sqlx::Error> {
    let people: Vec<_> = people.iter().copied().collect();
    if people.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into scoring.dirty_person as dirty (person_id)
        select * from unnest($1::bigint[])
        on conflict on constraint dirty_person_pkey do update
        set since_time = dirty.since_time
        "#,
        &people,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts everybody on the list whose score is not of the day from `start` to `end`.
#[instrument(name = "db.dirty_person.mark_all", skip_all)]
pub(crate) async fn mark_all(
    db: impl PgExecutor<'_>,
    start: OffsetDateTime,
    end: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into scoring.dirty_person (person_id)
        select person_id
        from scoring.score
        where score_time < $1 or score_time >= $2
        order by person_id
        on conflict on constraint dirty_person_pkey do nothing
        "#,
        start,
        end,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes up to `max` people off the list, in the order of their ids.
#[instrument(name = "db.dirty_person.take", skip_all)]
pub(crate) async fn take(db: &mut PgConnection, max: i64) -> Result<BTreeSet<i64>, sqlx::Error> {
    let people = sqlx::query_scalar!(
        r#"
        delete from scoring.dirty_person
        where person_id in (
            select person_id
            from scoring.dirty_person
            limit $1
            for update skip locked
        )
        returning person_id
        "#,
        max,
    )
    .fetch_all(db)
    .await?;
    Ok(people.into_iter().collect())
}

/// Whether anybody is on the list.
#[instrument(name = "db.dirty_person.any", skip_all)]
pub(crate) async fn any(db: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select exists (select from scoring.dirty_person) as "any!""#)
        .fetch_one(db)
        .await
}

/// How many are on the list, or will be: whose score is not of the day from `start` to `end`.
#[instrument(name = "db.dirty_person.count", skip_all)]
pub(crate) async fn count(
    db: impl PgExecutor<'_>,
    start: OffsetDateTime,
    end: OffsetDateTime,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from (
            select person_id from scoring.dirty_person
            union
            select person_id from scoring.score where score_time < $1 or score_time >= $2
        ) as waiting
        "#,
        start,
        end,
    )
    .fetch_one(db)
    .await
}
