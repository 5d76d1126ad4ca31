//! `scoring.replica` and `scoring.cache_generation`: who may serve cached scores, and which.

use sqlx::PgExecutor;
use tracing::instrument;
use uuid::Uuid;

/// Where a change of scores is told, in JSON: see [`crate::change::Change`].
pub(crate) const CHANNEL: &str = "klout_scoring_change";

/// Which cached scores are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Current {
    /// The last publication of percentiles.
    pub(crate) standing: i64,
    /// As in `scoring.cache_generation`.
    pub(crate) generation: i64,
}

/// Renews the lease of a replica, on the connection that hears of changes: if it has been lost, this fails.
/// Returns what is current now.
#[instrument(name = "db.replica.renew", skip_all)]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    replica: Uuid,
    seconds: f64,
) -> Result<Current, sqlx::Error> {
    sqlx::query_as!(
        Current,
        r#"
        with renewed as (
            insert into scoring.replica (replica_id, leased_until)
            values ($1, clock_timestamp() + make_interval(secs => $2))
            on conflict on constraint replica_pkey do update
            set leased_until = excluded.leased_until
        )
        select standing.revision as standing, cache_generation.generation
        from scoring.standing, scoring.cache_generation
        "#,
        replica,
        seconds,
    )
    .fetch_one(db)
    .await
}

/// Gives a lease back.
#[instrument(name = "db.replica.remove", skip_all)]
pub(crate) async fn remove(db: impl PgExecutor<'_>, replica: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from scoring.replica where replica_id = $1", replica).execute(db).await?;
    Ok(())
}

/// Clears away what processes left that did not end in order.
#[instrument(name = "db.replica.remove_lapsed", skip_all)]
pub(crate) async fn remove_lapsed(db: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from scoring.replica where leased_until < now() - interval '1 minute'")
        .execute(db)
        .await?;
    Ok(())
}

/// The generation of Redis' keys.
#[instrument(name = "db.cache_generation.read", skip_all)]
pub(crate) async fn generation(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("select generation from scoring.cache_generation").fetch_one(db).await
}

/// Makes everything that Redis has now unreadable. Returns the new generation of its keys.
#[instrument(name = "db.cache_generation.raise", skip_all)]
pub(crate) async fn raise_generation(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "update scoring.cache_generation set generation = generation + 1 returning generation"
    )
    .fetch_one(db)
    .await
}

/// Tells all replicas of changes, once they are committed.
#[instrument(name = "db.replica.tell", skip_all, fields(changes.len = changes.len()))]
pub(crate) async fn tell(db: impl PgExecutor<'_>, changes: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"select pg_notify($1, change) as "told!: ()" from unnest($2::text[]) as told (change)"#,
        CHANNEL,
        changes,
    )
    .execute(db)
    .await?;
    Ok(())
}
