//! `connector.registration`: where servers know us.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

use crate::seal::Sealed;

/// What a server calls us.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(crate) server: String,
    pub(crate) client_id: String,
    pub(crate) sealed: Vec<u8>,
    pub(crate) key_id: String,
}

#[instrument(name = "db.registration.read", skip_all)]
pub(crate) async fn read(
    db: impl PgExecutor<'_>,
    server: &str,
) -> Result<Option<Registration>, sqlx::Error> {
    sqlx::query_as!(
        Registration,
        r#"
        select server, client_id, sealed, key_id
        from connector.registration
        where server = $1
        "#,
        server,
    )
    .fetch_optional(db)
    .await
}

/// A server that knows us now. Where two registered at once, the first one counts.
#[instrument(name = "db.registration.append", skip_all)]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    server: &str,
    client_id: &str,
    sealed: &Sealed,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into connector.registration (server, client_id, sealed, key_id, made_time)
        values ($1, $2, $3, $4, $5)
        on conflict on constraint registration_pkey do nothing
        "#,
        server,
        client_id,
        sealed.bytes,
        sealed.key_id,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Some whose secrets are sealed with other keys than `key_id`; nobody else gets them until the transaction ends.
#[instrument(name = "db.registration.of_other_keys", skip_all)]
pub(crate) async fn of_other_keys(
    db: &mut PgConnection,
    key_id: &str,
    limit: i64,
) -> Result<Vec<Registration>, sqlx::Error> {
    sqlx::query_as!(
        Registration,
        r#"
        select server, client_id, sealed, key_id
        from connector.registration
        where key_id <> $1
        limit $2
        for update skip locked
        "#,
        key_id,
        limit,
    )
    .fetch_all(db)
    .await
}

#[instrument(name = "db.registration.reseal", skip_all)]
pub(crate) async fn reseal(
    db: &mut PgConnection,
    server: &str,
    sealed: &Sealed,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update connector.registration set sealed = $2, key_id = $3 where server = $1",
        server,
        sealed.bytes,
        sealed.key_id,
    )
    .execute(db)
    .await?;
    Ok(())
}
