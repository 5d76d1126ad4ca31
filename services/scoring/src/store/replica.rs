//! `scoring.replica` and `scoring.cache_generation`: who may serve cached scores, and which.

use sqlx::{PgConnection, PgExecutor};
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

/// What is current, and the last change of anybody's state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Renewed {
    pub(crate) current: Current,
    /// As in `scoring.masking`.
    pub(crate) masking: i64,
}

/// Renews the lease of a replica, on the connection that hears of changes: if it has been lost, this fails.
/// Returns what is current now.
///
/// `confirmed`: the last change of anybody's state that was heard of.
#[instrument(name = "db.replica.renew", skip_all)]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    replica: Uuid,
    seconds: f64,
    confirmed: i64,
) -> Result<Renewed, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        with renewed as (
            insert into scoring.replica (replica_id, leased_until, confirmed)
            values ($1, clock_timestamp() + make_interval(secs => $2), $3)
            on conflict on constraint replica_pkey do update
            set leased_until = excluded.leased_until, confirmed = excluded.confirmed
        )
        select standing.revision as standing, cache_generation.generation,
            masking.number as masking
        from scoring.standing, scoring.cache_generation, scoring.masking
        "#,
        replica,
        seconds,
        confirmed,
    )
    .fetch_one(db)
    .await?;
    let current = Current { standing: row.standing, generation: row.generation };
    Ok(Renewed { current, masking: row.masking })
}

/// Says up to which change of anybody's state a replica has heard of all.
#[instrument(name = "db.replica.confirm", skip_all)]
pub(crate) async fn confirm(
    db: impl PgExecutor<'_>,
    replica: Uuid,
    confirmed: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update scoring.replica set confirmed = $2 where replica_id = $1",
        replica,
        confirmed,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether somebody may serve what is cached who has not heard of a change of anybody's state.
#[instrument(name = "db.replica.any_unconfirmed", skip_all)]
pub(crate) async fn any_unconfirmed(
    db: impl PgExecutor<'_>,
    masking: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from scoring.replica
            where leased_until > clock_timestamp() and confirmed < $1
        ) as "any!"
        "#,
        masking,
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

/// The same, which nobody raises until the transaction ends.
#[instrument(name = "db.cache_generation.hold", skip_all)]
pub(crate) async fn hold_generation(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("select generation from scoring.cache_generation for no key update")
        .fetch_one(db)
        .await
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
