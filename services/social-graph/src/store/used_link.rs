//! `social_graph.used_link`: links that were completed.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

/// Takes note that a link was completed, and forgets those that have run out. Returns whether it was not before.
#[instrument(name = "db.used_link.append", skip_all)]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    link: &[u8],
    expire_time: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let new = sqlx::query_scalar!(
        r#"
        with expired as (
            delete from social_graph.used_link where expire_time < $3
        )
        insert into social_graph.used_link (link, expire_time)
        values ($1, $2)
        on conflict on constraint used_link_pkey do nothing
        returning 1 as "one!"
        "#,
        link,
        expire_time,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(new.is_some())
}
