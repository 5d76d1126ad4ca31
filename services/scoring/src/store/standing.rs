//! `scoring.standing`: where scores stand among all others.

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
}

/// What is left to do, all of one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backlog {
    /// The day that was gone over to last, since 1970.
    pub(crate) day: Option<i32>,
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
        select day,
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
            end as "current!"
        from scoring.standing, scoring.score_revision
        "#
    )
    .fetch_one(db)
    .await
}

/// Publishes a new sample, of the scores as they are now. Returns its revision.
#[instrument(name = "db.standing.renew", skip_all)]
pub(crate) async fn renew(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        update scoring.standing
        set revision = (select last_value from scoring.score_revision),
            scores = array(
                select score
                from (
                    select score, row_number() over (order by score) as place,
                        count(*) over () as members
                    from scoring.score
                    where score is not null
                ) as ranked
                where members <= 1000
                    or place * 1000 / members <> (place - 1) * 1000 / members
                order by score
            )
        returning revision
        "#
    )
    .fetch_one(db)
    .await
}

/// Notes the day that was gone over to.
#[instrument(name = "db.standing.renew_day", skip_all)]
pub(crate) async fn renew_day(db: &mut PgConnection, day: i32) -> Result<(), sqlx::Error> {
    sqlx::query!("update scoring.standing set day = $1", day).execute(db).await?;
    Ok(())
}

/// Waits until nobody publishes, and keeps publications waiting until the transaction ends.
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
