//! `social_graph.account_key`: whether this process has the right key.

use sqlx::PgExecutor;
use tracing::instrument;

/// Keeps the check value of the first process that ever asks, and returns the one that is kept.
#[instrument(name = "db.account_key.keep_first", skip_all)]
pub(crate) async fn keep_first(
    db: impl PgExecutor<'_>,
    check_value: &[u8],
) -> Result<Vec<u8>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        insert into social_graph.account_key as kept (check_value)
        values ($1)
        on conflict on constraint account_key_pkey do update
        set check_value = kept.check_value
        returning check_value
        "#,
        check_value,
    )
    .fetch_one(db)
    .await
}
