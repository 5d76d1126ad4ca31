//! `scoring.standing`: where scores stand among all others.

use std::time::Duration;

use klout_store::interval;
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// The last publication.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// No score up to this revision is missing from the percentiles.
    pub(crate) revision: i64,
    /// A sample of the ranking, ascending.
    pub(crate) scores: Vec<f64>,
    /// Whether no score was written since.
    pub(crate) current: bool,
    /// Whether somebody publishes right now.
    pub(crate) publishing: bool,
}

/// A publication that goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Publication {
    /// Its number: of two, the later one goes on.
    number: i64,
    /// The revision of the publication before it, to notice a version that does not count publications.
    before: i64,
    /// No score up to this revision will be missing from the percentiles.
    pub(crate) revision: i64,
}

/// What is left to do, all of one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backlog {
    /// Whether a pass goes on.
    pub(crate) passing: bool,
    /// The day of the epoch, since 1970; `None` before the first.
    pub(crate) day: Option<i32>,
    /// Whether somebody owns an account.
    pub(crate) any_member: bool,
    /// How many are on the list of dirty people.
    pub(crate) dirty: i64,
    /// As in [`Standing`].
    pub(crate) current: bool,
}

/// What is left to do.
#[instrument(name = "db.standing.backlog", skip_all)]
pub(crate) async fn backlog(db: impl PgExecutor<'_>) -> Result<Backlog, sqlx::Error> {
    sqlx::query_as!(
        Backlog,
        r#"
        select
            exists (select from scoring.pass where end_time is null) as "passing!",
            (select day from scoring.epoch order by epoch desc limit 1) as day,
            exists (select from scoring.account where owned_since is not null) as "any_member!",
            (select count(distinct person_id) from scoring.dirty_person) as "dirty!",
            case
                when score_revision.is_called then standing.revision >= score_revision.last_value
                else true
            end as "current!"
        from scoring.standing, scoring.score_revision
        "#
    )
    .fetch_one(db)
    .await
}

/// The last publication.
#[instrument(name = "db.standing.read", skip_all)]
pub(crate) async fn read(db: impl PgExecutor<'_>) -> Result<Standing, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"
        select standing.revision, scores,
            case
                when score_revision.is_called then standing.revision >= score_revision.last_value
                else true
            end as "current!",
            publishing_until > clock_timestamp() as "publishing!"
        from scoring.standing, scoring.score_revision
        "#
    )
    .fetch_one(db)
    .await
}

/// Begins a publication of all scores, unless one goes on. Nobody rescores until the transaction ends:
/// see [`lock`].
#[instrument(name = "db.standing.begin", skip_all)]
pub(crate) async fn begin(
    db: &mut PgConnection,
    time: Duration,
) -> Result<Option<Publication>, sqlx::Error> {
    sqlx::query_as!(
        Publication,
        r#"
        update scoring.standing
        set publication = publication + 1, publishing_until = clock_timestamp() + $1
        where publishing_until < clock_timestamp()
        returning publication as number, revision as before,
            (select last_value from scoring.score_revision) as "revision!"
        "#,
        interval(time),
    )
    .fetch_optional(db)
    .await
}

/// Begins a pass, which publishes too, unless a publication goes on. Takes the next revision for all of its scores.
#[instrument(name = "db.standing.begin_pass", skip_all)]
pub(crate) async fn begin_pass(
    db: &mut PgConnection,
    time: Duration,
) -> Result<Option<Publication>, sqlx::Error> {
    sqlx::query_as!(
        Publication,
        r#"
        update scoring.standing
        set publication = publication + 1, publishing_until = clock_timestamp() + $1
        where publishing_until < clock_timestamp()
        returning publication as number, revision as before,
            nextval('scoring.score_revision') as "revision!"
        "#,
        interval(time),
    )
    .fetch_optional(db)
    .await
}

/// Lets a publication go on for another `time`. Returns false when it is over; else it is not over before
/// the transaction ends.
#[instrument(name = "db.standing.go_on", skip_all)]
pub(crate) async fn go_on(
    db: &mut PgConnection,
    publication: &Publication,
    time: Duration,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update scoring.standing
        set publishing_until = clock_timestamp() + $3
        where publication = $1 and revision = $2
        "#,
        publication.number,
        publication.before,
        interval(time),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a publication goes on; then it is not over before the transaction ends.
#[instrument(name = "db.standing.is_ours", skip_all)]
pub(crate) async fn is_ours(
    db: impl PgExecutor<'_>,
    publication: &Publication,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"
        select true as "ours!" from scoring.standing
        where publication = $1 and revision = $2
        for share
        "#,
        publication.number,
        publication.before,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// Ends a publication that has placed everybody, with a new sample. Returns false when it was over before.
#[instrument(name = "db.standing.end", skip_all)]
pub(crate) async fn end(
    db: impl PgExecutor<'_>,
    publication: &Publication,
    scores: &[f64],
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update scoring.standing
        set revision = $3, scores = $4, publishing_until = '-infinity'
        where publication = $1 and revision = $2
        "#,
        publication.number,
        publication.before,
        publication.revision,
        scores,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets the next one publish at once.
#[instrument(name = "db.standing.give_up", skip_all)]
pub(crate) async fn give_up(
    db: impl PgExecutor<'_>,
    publication: &Publication,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update scoring.standing set publishing_until = '-infinity' where publication = $1",
        publication.number,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps publications from beginning, and days from ending, until the transaction ends.
#[instrument(name = "db.standing.share_lock", skip_all)]
pub(crate) async fn share_lock(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table scoring.standing in row exclusive mode").execute(db).await?;
    Ok(())
}

/// Waits until nobody rescores, and keeps rescores waiting until the transaction ends.
#[instrument(name = "db.standing.lock", skip_all)]
pub(crate) async fn lock(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table scoring.standing in share row exclusive mode").execute(db).await?;
    Ok(())
}

/// As [`lock`], but gives up after `time`; then nothing more can be done in the transaction.
#[instrument(name = "db.standing.try_lock", skip_all)]
pub(crate) async fn try_lock(db: &mut PgConnection, time: Duration) -> Result<bool, sqlx::Error> {
    sqlx::query!(
        r#"select set_config('lock_timeout', $1, true) as "set!""#,
        format!("{}ms", time.as_millis()),
    )
    .fetch_one(&mut *db)
    .await?;
    match lock(db).await {
        Ok(()) => Ok(true),
        // lock_not_available
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03") => Ok(false),
        Err(error) => Err(error),
    }
}
