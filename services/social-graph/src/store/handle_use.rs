//! `social_graph.handle_use`: what accounts were called before.

use klout_model::PersonId;
use klout_proto::{convert, graph::v1::HandleUse};
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

/// What accounts of a person are and were called, newest first: up to `max` from `skip` on.
#[instrument(name = "db.handle_use.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    person: PersonId,
    skip: i64,
    max: i64,
) -> Result<Vec<HandleUse>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select network as "network!", native_id as "native_id!", handle as "handle!",
            since_time as "since_time!", until_time as "until_time: OffsetDateTime"
        from (
            select network, native_id, handle, coalesce(handle_since, handle_time) as since_time,
                null::timestamptz as until_time
            from social_graph.account
            where person_id = $1 and handle <> native_id
            union all
            select network, native_id, handle_use.handle, since_time, until_time
            from social_graph.handle_use
            join social_graph.account using (account_id)
            where person_id = $1
        ) as called
        order by since_time desc, network, native_id, handle
        offset $2 limit $3
        "#,
        person.get(),
        skip,
        max,
    )
    .fetch_all(db)
    .await?;
    let uses = rows.into_iter().map(|row| HandleUse {
        network: row.network,
        native_id: row.native_id,
        handle: row.handle,
        since_time: Some(convert::timestamp(row.since_time)),
        until_time: row.until_time.map(convert::timestamp),
    });
    Ok(uses.collect())
}
