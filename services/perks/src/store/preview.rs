//! `perks.preview`: counts of everybody for whom a campaign's rules hold.

use sqlx::PgExecutor;
use time::{Duration, OffsetDateTime};
use tracing::instrument;

/// A count, as far as it is.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) state: String,
    pub(crate) sampled: i64,
    pub(crate) sampled_qualifying: i64,
    pub(crate) members: i64,
    pub(crate) sample_time: OffsetDateTime,
    pub(crate) counted: i64,
    pub(crate) qualifying: i64,
    pub(crate) problem: String,
}

/// One that this process goes on with.
#[derive(Clone, Debug)]
pub(crate) struct Leased {
    pub(crate) preview: i64,
    /// A `klout.perk.v1.CampaignSpec`.
    pub(crate) spec: Vec<u8>,
    pub(crate) after: i64,
}

/// Adds one that starts.
#[instrument(name = "db.preview.insert", skip_all)]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    preview: i64,
    spec: &[u8],
    kept: &Kept,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into perks.preview
            (preview_id, spec, sampled, sampled_qualifying, members, sample_time, create_time)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        preview,
        spec,
        kept.sampled,
        kept.sampled_qualifying,
        kept.members,
        kept.sample_time,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// One that was made since then.
#[instrument(name = "db.preview.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    preview: i64,
    since: OffsetDateTime,
) -> Result<Option<Kept>, sqlx::Error> {
    sqlx::query_as!(
        Kept,
        r#"
        select state, sampled, sampled_qualifying, members, sample_time, counted, qualifying, problem
        from perks.preview
        where preview_id = $1 and create_time >= $2
        "#,
        preview,
        since,
    )
    .fetch_optional(db)
    .await
}

/// Takes one that nobody goes on with, for so long.
#[instrument(name = "db.preview.lease", skip_all)]
pub(crate) async fn lease(
    db: impl PgExecutor<'_>,
    now: OffsetDateTime,
    time: Duration,
) -> Result<Option<Leased>, sqlx::Error> {
    sqlx::query_as!(
        Leased,
        r#"
        update perks.preview set leased_until = $2
        where preview_id = (
            select preview_id from perks.preview
            where state = 'RUNNING' and leased_until <= $1
            order by leased_until, create_time
            limit 1
            for update skip locked
        )
        returning preview_id as preview, spec, after_person_id as after
        "#,
        now,
        now + time,
    )
    .fetch_optional(db)
    .await
}

/// Counts a page. Returns whether nobody else did meanwhile.
#[instrument(name = "db.preview.count", skip_all)]
pub(crate) async fn count(
    db: impl PgExecutor<'_>,
    leased: &Leased,
    after: i64,
    counted: i64,
    qualifying: i64,
    leased_until: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update perks.preview
        set after_person_id = $3, counted = counted + $4, qualifying = qualifying + $5, leased_until = $6, attempts = 0
        where preview_id = $1 and after_person_id = $2 and state = 'RUNNING'
        "#,
        leased.preview,
        leased.after,
        after,
        counted,
        qualifying,
        leased_until,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that one has counted everybody.
#[instrument(name = "db.preview.finish", skip_all)]
pub(crate) async fn finish(db: impl PgExecutor<'_>, leased: &Leased) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update perks.preview set state = 'DONE'
        where preview_id = $1 and after_person_id = $2 and state = 'RUNNING'
        "#,
        leased.preview,
        leased.after,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that one did not get on, and when it is tried again; after so many times it has failed.
#[instrument(name = "db.preview.fail", skip_all)]
pub(crate) async fn fail(
    db: impl PgExecutor<'_>,
    leased: &Leased,
    problem: &str,
    again: OffsetDateTime,
    attempts_max: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update perks.preview
        set attempts = attempts + 1, problem = case when attempts + 1 >= $5 then $3 else '' end,
            state = case when attempts + 1 >= $5 then 'FAILED' else 'RUNNING' end, leased_until = $4
        where preview_id = $1 and after_person_id = $2 and state = 'RUNNING'
        "#,
        leased.preview,
        leased.after,
        problem,
        again,
        attempts_max,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes those that were made before.
#[instrument(name = "db.preview.expire", skip_all)]
pub(crate) async fn expire(
    db: impl PgExecutor<'_>,
    before: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from perks.preview where create_time < $1", before).execute(db).await?;
    Ok(())
}
