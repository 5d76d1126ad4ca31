//! `connector.validator`: what addresses were answered with, so that nothing is answered again that has not changed.

use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;
use uuid::Uuid;

/// What an address was answered with, word for word. RFC 9110, section 8.8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Validator {
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

#[instrument(name = "db.validator.read", skip_all)]
pub(crate) async fn read(
    db: impl PgExecutor<'_>,
    account_id: i64,
    address: Uuid,
) -> Result<Option<Validator>, sqlx::Error> {
    sqlx::query_as!(
        Validator,
        r#"
        select etag, last_modified
        from connector.validator
        where account_id = $1 and address = $2
        "#,
        account_id,
        address,
    )
    .fetch_optional(db)
    .await
}

#[instrument(name = "db.validator.write", skip_all)]
pub(crate) async fn write(
    db: &mut PgConnection,
    account_id: i64,
    address: Uuid,
    validator: &Validator,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into connector.validator (account_id, address, etag, last_modified)
        values ($1, $2, $3, $4)
        on conflict on constraint validator_pkey do update
        set etag = excluded.etag, last_modified = excluded.last_modified
        "#,
        account_id,
        address,
        validator.etag,
        validator.last_modified,
    )
    .execute(db)
    .await?;
    Ok(())
}

#[instrument(name = "db.validator.remove", skip_all)]
pub(crate) async fn remove(
    db: &mut PgConnection,
    account_id: i64,
    address: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from connector.validator where account_id = $1 and address = $2",
        account_id,
        address,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets all of an account.
#[instrument(name = "db.validator.clear", skip_all)]
pub(crate) async fn clear(db: &mut PgConnection, account_id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from connector.validator where account_id = $1", account_id)
        .execute(db)
        .await?;
    Ok(())
}
