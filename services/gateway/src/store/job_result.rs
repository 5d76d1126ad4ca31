//! `gateway.lookup_result`: who the rows of files are.

use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// A row that is somebody.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// How many rows of its part are before it.
    pub(crate) place: i64,
    pub(crate) person_id: i64,
    pub(crate) likelihood: f64,
    /// With a space between two.
    pub(crate) matched_on: String,
    pub(crate) by_hashes_alone: bool,
}

#[instrument(name = "db.lookup_result.insert", skip_all, fields(found.len = found.len()))]
pub(crate) async fn insert(
    db: &mut PgConnection,
    job: i64,
    part: i32,
    found: &[Found],
) -> Result<(), sqlx::Error> {
    let places: Vec<_> = found.iter().map(|it| it.place).collect();
    let people: Vec<_> = found.iter().map(|it| it.person_id).collect();
    let likelihoods: Vec<_> = found.iter().map(|it| it.likelihood).collect();
    let matched_on: Vec<_> = found.iter().map(|it| it.matched_on.as_str()).collect();
    let by_hashes: Vec<_> = found.iter().map(|it| it.by_hashes_alone).collect();
    sqlx::query!(
        r#"
        insert into gateway.lookup_result
            (job_id, part, place, person_id, likelihood, matched_on, by_hashes_alone)
        select $1::bigint, $2::integer, *
        from unnest($3::bigint[], $4::bigint[], $5::double precision[], $6::text[], $7::boolean[])
        "#,
        job,
        part,
        &places,
        &people,
        &likelihoods,
        &matched_on as &[&str],
        &by_hashes,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Of rows of a part from one place up to another.
#[instrument(name = "db.lookup_result.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    job: i64,
    part: i32,
    from: i64,
    to: i64,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select place, person_id, likelihood, matched_on, by_hashes_alone
        from gateway.lookup_result
        where job_id = $1 and part = $2 and place >= $3 and place < $4
        order by place
        "#,
        job,
        part,
        from,
        to,
    )
    .fetch_all(db)
    .await
}

/// Deletes what was found of a job, so many rows at most. Returns how many.
#[instrument(name = "db.lookup_result.delete", skip_all)]
pub(crate) async fn delete(
    db: impl PgExecutor<'_>,
    job: i64,
    max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        delete from gateway.lookup_result
        where job_id = $1 and (part, place) in (
            select part, place from gateway.lookup_result where job_id = $1 limit $2
        )
        "#,
        job,
        max,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes what was found of somebody, so many rows at most. Returns how many.
#[instrument(name = "db.lookup_result.forget", skip_all)]
pub(crate) async fn forget(
    db: &mut PgConnection,
    person: i64,
    max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        delete from gateway.lookup_result
        where (job_id, part, place) in (
            select job_id, part, place from gateway.lookup_result where person_id = $1 limit $2
        )
        "#,
        person,
        max,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Gives what was found of merged people to those whom they are now.
#[instrument(name = "db.lookup_result.move", skip_all, fields(people.len = from.len()))]
pub(crate) async fn move_to(
    db: &mut PgConnection,
    from: &[i64],
    into: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update gateway.lookup_result as moved
        set person_id = merged.into_person_id
        from (select * from unnest($1::bigint[], $2::bigint[])) as merged (person_id, into_person_id)
        where moved.person_id = merged.person_id
        "#,
        from,
        into,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What was found of somebody, by whom and why, as JSON: so many rows after a place.
#[instrument(name = "db.lookup_result.describe", skip_all)]
pub(crate) async fn describe(
    db: impl PgExecutor<'_>,
    person: i64,
    after: (i64, i32, i64),
    max: i64,
) -> Result<Vec<Described>, sqlx::Error> {
    sqlx::query_as!(
        Described,
        r#"
        select result.job_id, result.part, result.place,
            (to_jsonb(result) || jsonb_build_object(
                'caller', job.caller, 'purpose', job.purpose, 'create_time', job.create_time,
                'expire_time', job.expire_time
            ))::text as "json!"
        from gateway.lookup_result as result
        join gateway.lookup_job as job using (job_id)
        where result.person_id = $1 and (result.job_id, result.part, result.place) > ($2, $3, $4)
        order by result.job_id, result.part, result.place
        limit $5
        "#,
        person,
        after.0,
        after.1,
        after.2,
        max,
    )
    .fetch_all(db)
    .await
}

/// A row, and where it stands.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) job_id: i64,
    pub(crate) part: i32,
    pub(crate) place: i64,
    pub(crate) json: String,
}
