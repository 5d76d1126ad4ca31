//! `connector.signal`: the log.

use std::collections::BTreeSet;

use klout_model::{AccountId, SignalHash};
use sqlx::PgExecutor;
use tracing::instrument;
use uuid::Uuid;

/// One row of the log.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) subject: AccountId,
    pub(crate) signal_id: SignalHash,
    pub(crate) batch_id: Uuid,
    /// An encoded `SignalBatch` with this signal alone.
    pub(crate) content: Vec<u8>,
}

/// Adds those that are not there yet, and returns their identities. `signals` are in the order of
/// the key, each once.
#[instrument(name = "db.signal.append", skip_all, fields(signals.len = signals.len()))]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    signals: &[Logged],
) -> Result<BTreeSet<(AccountId, SignalHash)>, sqlx::Error> {
    let subjects: Vec<_> = signals.iter().map(|it| it.subject.0).collect();
    let ids: Vec<_> = signals.iter().map(|it| Uuid::from_bytes(it.signal_id.0)).collect();
    let batches: Vec<_> = signals.iter().map(|it| it.batch_id).collect();
    let contents: Vec<_> = signals.iter().map(|it| it.content.as_slice()).collect();

    let rows = sqlx::query!(
        r#"
        insert into connector.signal (subject_account_id, signal_id, batch_id, content)
        select * from unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::bytea[])
        on conflict on constraint signal_pkey do nothing
        returning subject_account_id, signal_id
        "#,
        &subjects,
        &ids,
        &batches,
        &contents as &[&[u8]],
    )
    .fetch_all(db)
    .await?;

    let identity = |subject, id: Uuid| (AccountId(subject), SignalHash(id.into_bytes()));
    Ok(rows.into_iter().map(|row| identity(row.subject_account_id, row.signal_id)).collect())
}

/// The batches that the signals of these identities went out with.
#[instrument(name = "db.signal.batches", skip_all, fields(signals.len = identities.len()))]
pub(crate) async fn batches(
    db: impl PgExecutor<'_>,
    identities: &[(AccountId, SignalHash)],
) -> Result<Vec<Uuid>, sqlx::Error> {
    let subjects: Vec<_> = identities.iter().map(|(subject, _)| subject.0).collect();
    let ids: Vec<_> = identities.iter().map(|(_, id)| Uuid::from_bytes(id.0)).collect();

    sqlx::query_scalar!(
        r#"
        select distinct signal.batch_id
        from unnest($1::bigint[], $2::uuid[]) as asked (subject_account_id, signal_id)
        join connector.signal using (subject_account_id, signal_id)
        "#,
        &subjects,
        &ids,
    )
    .fetch_all(db)
    .await
}
