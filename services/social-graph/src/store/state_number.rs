//! `social_graph.state_number`: in which order states changed.

use sqlx::PgConnection;
use tracing::instrument;

/// Waits until nobody else changes states, and keeps others waiting until the transaction ends.
#[instrument(name = "db.state_number.lock", skip_all)]
pub(crate) async fn lock(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query_scalar!("select number from social_graph.state_number for update")
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Gives out `count` numbers, and returns the last of them.
#[instrument(name = "db.state_number.advance", skip_all)]
pub(crate) async fn advance(db: &mut PgConnection, count: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "update social_graph.state_number set number = number + $1 returning number",
        count,
    )
    .fetch_one(db)
    .await
}

/// Gives out no number up to this one any more.
#[instrument(name = "db.state_number.pass", skip_all)]
pub(crate) async fn pass(db: &mut PgConnection, number: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("update social_graph.state_number set number = greatest(number, $1)", number)
        .execute(db)
        .await?;
    Ok(())
}
