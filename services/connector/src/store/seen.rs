//! `connector.seen`: what something was like when it was read whole.

use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;
use uuid::Uuid;

/// What these were like.
#[instrument(name = "db.seen.read", skip_all, fields(items.len = items.len()))]
pub(crate) async fn read(
    db: impl PgExecutor<'_>,
    account_id: i64,
    items: &[Uuid],
) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
    let seen = sqlx::query!(
        "select item, value from connector.seen where account_id = $1 and item = any($2)",
        account_id,
        items,
    )
    .fetch_all(db)
    .await?;
    Ok(seen.into_iter().map(|it| (it.item, it.value)).collect())
}

/// Notes what something is like.
#[instrument(name = "db.seen.write", skip_all)]
pub(crate) async fn write(
    db: &mut PgConnection,
    account_id: i64,
    item: Uuid,
    value: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into connector.seen (account_id, item, value)
        values ($1, $2, $3)
        on conflict on constraint seen_pkey do update
        set value = excluded.value
        "#,
        account_id,
        item,
        value,
    )
    .execute(db)
    .await?;
    Ok(())
}
