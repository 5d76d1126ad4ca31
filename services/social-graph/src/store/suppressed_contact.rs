//! `social_graph.suppressed_contact`: by what nobody is to be found.

use klout_model::ContactHash;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

/// Adds contacts. Returns how many of them are new.
#[instrument(name = "db.suppressed_contact.insert", skip_all, fields(contacts.len = contacts.len()))]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    contacts: &[ContactHash],
    kind: &str,
    now: OffsetDateTime,
) -> Result<u64, sqlx::Error> {
    let hashes: Vec<_> = contacts.iter().map(|contact| contact.0.as_slice()).collect();
    let done = sqlx::query!(
        r#"
        insert into social_graph.suppressed_contact (contact_hash, kind, import_time)
        select contact_hash, $2, $3
        from unnest($1::bytea[]) as new (contact_hash)
        on conflict on constraint suppressed_contact_pkey do nothing
        "#,
        &hashes as &[&[u8]],
        kind,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Whether one of these contacts is on a deletion list.
#[instrument(name = "db.suppressed_contact.any", skip_all, fields(contacts.len = contacts.len()))]
pub(crate) async fn any(
    db: impl PgExecutor<'_>,
    contacts: &[ContactHash],
) -> Result<bool, sqlx::Error> {
    let hashes: Vec<_> = contacts.iter().map(|contact| contact.0.as_slice()).collect();
    sqlx::query_scalar!(
        r#"
        select exists (select from social_graph.suppressed_contact where contact_hash = any($1)) as "any!"
        "#,
        &hashes as &[&[u8]],
    )
    .fetch_one(db)
    .await
}

/// Keeps lists from being taken in until the transaction ends, as many others may too.
#[instrument(name = "db.suppressed_contact.share_lock", skip_all)]
pub(crate) async fn share_lock(db: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table social_graph.suppressed_contact in share mode").execute(db).await?;
    Ok(())
}
