//! `social_graph.suppressed_contact`: contacts on deletion lists.

use klout_model::ContactHash;
use sqlx::PgExecutor;
use tracing::instrument;

/// Whether one of these contacts is on a deletion list.
#[instrument(name = "db.suppressed_contact.any", skip_all, fields(contacts.len = hashes.len()))]
pub(crate) async fn any(
    db: impl PgExecutor<'_>,
    hashes: &[ContactHash],
) -> Result<bool, sqlx::Error> {
    let hashes: Vec<_> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
    sqlx::query_scalar!(
        r#"
        select exists (select from social_graph.suppressed_contact where contact_hash = any($1)) as "any!"
        "#,
        &hashes as &[&[u8]],
    )
    .fetch_one(db)
    .await
}
