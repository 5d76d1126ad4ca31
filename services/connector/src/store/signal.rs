//! `connector.signal`: every signal once, by its identity.

use std::collections::BTreeSet;

use klout_model::{AccountId, SignalHash};
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;
use uuid::Uuid;

/// What makes two signals the same.
pub(crate) type Identity = (AccountId, SignalHash);

/// A signal that was taken back just now, and where its content is.
#[derive(Clone, Debug)]
pub(crate) struct Retracted {
    pub(crate) identity: Identity,
    pub(crate) batch_id: Uuid,
    /// Of the version before: a `SignalBatch` with this signal alone.
    pub(crate) content: Option<Vec<u8>>,
}

/// Adds those that are not there yet, and returns them. Each comes with whether it is taken back
/// already; they are in the order of the key, each once.
#[instrument(name = "db.signal.append", skip_all, fields(signals.len = signals.len()))]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    batch_id: Uuid,
    signals: &[(Identity, bool)],
) -> Result<BTreeSet<Identity>, sqlx::Error> {
    let (subjects, ids) = columns(signals.iter().map(|(identity, _)| identity));
    let retracted: Vec<_> = signals.iter().map(|(_, retracted)| *retracted).collect();
    let rows = sqlx::query!(
        r#"
        insert into connector.signal (subject_account_id, signal_id, batch_id, retracted)
        select new.subject, new.signal_id, $1::uuid, new.retracted
        from unnest($2::bigint[], $3::uuid[], $4::boolean[]) as new (subject, signal_id, retracted)
        on conflict on constraint signal_pkey do nothing
        returning subject_account_id, signal_id
        "#,
        batch_id,
        &subjects,
        &ids,
        &retracted,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| identity(row.subject_account_id, row.signal_id)).collect())
}

/// Takes signals back that are there and were not taken back before, in the order of the key, and
/// returns them.
#[instrument(name = "db.signal.retract", skip_all, fields(signals.len = signals.len()))]
pub(crate) async fn retract(
    db: &mut PgConnection,
    signals: &[Identity],
) -> Result<Vec<Retracted>, sqlx::Error> {
    let (subjects, ids) = columns(signals.iter());
    let rows = sqlx::query!(
        r#"
        with locked as (
            select subject_account_id, signal_id
            from unnest($1::bigint[], $2::uuid[]) as asked (subject_account_id, signal_id)
            join connector.signal using (subject_account_id, signal_id)
            where not retracted
            order by subject_account_id, signal_id
            for update of signal
        )
        update connector.signal as signal
        set retracted = true
        from locked
        where signal.subject_account_id = locked.subject_account_id
            and signal.signal_id = locked.signal_id
            and not signal.retracted
        returning signal.subject_account_id, signal.signal_id, signal.batch_id, signal.content
        "#,
        &subjects,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let retracted = rows.into_iter().map(|row| Retracted {
        identity: identity(row.subject_account_id, row.signal_id),
        batch_id: row.batch_id,
        content: row.content,
    });
    Ok(retracted.collect())
}

/// The batches that the signals of these identities went out with.
#[instrument(name = "db.signal.batches", skip_all, fields(signals.len = identities.len()))]
pub(crate) async fn batches(
    db: impl PgExecutor<'_>,
    identities: &[Identity],
) -> Result<Vec<Uuid>, sqlx::Error> {
    let (subjects, ids) = columns(identities.iter());
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

/// Those of these signals that were taken back.
#[instrument(name = "db.signal.gone", skip_all, fields(signals.len = identities.len()))]
pub(crate) async fn gone(
    db: impl PgExecutor<'_>,
    identities: &[Identity],
) -> Result<BTreeSet<Identity>, sqlx::Error> {
    let (subjects, ids) = columns(identities.iter());
    let rows = sqlx::query!(
        r#"
        select signal.subject_account_id, signal.signal_id
        from unnest($1::bigint[], $2::uuid[]) as asked (subject_account_id, signal_id)
        join connector.signal using (subject_account_id, signal_id)
        where signal.retracted
        "#,
        &subjects,
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| identity(row.subject_account_id, row.signal_id)).collect())
}

fn columns<'a>(identities: impl Iterator<Item = &'a Identity>) -> (Vec<i64>, Vec<Uuid>) {
    identities.map(|(subject, id)| (subject.0, Uuid::from_bytes(id.0))).unzip()
}

fn identity(subject: i64, id: Uuid) -> Identity {
    (AccountId(subject), SignalHash(id.into_bytes()))
}
