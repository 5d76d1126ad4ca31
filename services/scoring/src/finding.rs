//! What operators find out about accounts, and take back.

use klout_proto::{convert, score::v1::Finding};
use sqlx::{PgConnection, PgPool};
use tracing::instrument;

use crate::{
    error::Error,
    store::{self, finding::NewFinding},
};

/// Records a finding, once a request. Those whose evidence is another one with it are scored again.
#[instrument(name = "record_finding", skip_all)]
pub(crate) async fn record(
    db: &PgPool,
    new: &NewFinding,
) -> Result<store::finding::Finding, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to record a finding"))?;
    let recorded = store::finding::append(&mut *transaction, new).await;
    let Some(finding) = recorded.map_err(store("record a finding"))? else {
        drop(transaction);
        let before = store::finding::by_request(db, &new.request_id).await;
        return before.map_err(store("read a finding"));
    };
    store::finding::touch(&mut transaction, new.person_id, new.account_id)
        .await
        .map_err(store("mark people dirty"))?;
    transaction.commit().await.map_err(store("commit a finding"))?;
    Ok(finding)
}

/// Reverses a finding, once.
#[instrument(name = "reverse_finding", skip_all, fields(finding))]
pub(crate) async fn reverse(db: &PgPool, finding: i64) -> Result<store::finding::Finding, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to reverse a finding"))?;
    let reversed = reverse_all(&mut transaction, &[finding]).await?.pop();
    transaction.commit().await.map_err(store("commit that a finding is reversed"))?;
    reversed.ok_or_else(|| Error::FindingUnknown { finding: finding.to_string() })
}

/// Reverses findings, and returns all of them.
///
/// # Errors
///
/// Also when one of them is not there; then the transaction is not to be committed.
pub(crate) async fn reverse_all(
    db: &mut PgConnection,
    findings: &[i64],
) -> Result<Vec<store::finding::Finding>, Error> {
    let store = Error::store;
    let mut about =
        store::finding::reverse(&mut *db, findings).await.map_err(store("reverse findings"))?;
    // Anybody first: then all others are among them.
    about.sort_unstable();
    about.dedup();
    for (person, account) in about {
        let touched = store::finding::touch(&mut *db, person, account).await;
        touched.map_err(store("mark people dirty"))?;
        if person.is_none() {
            break;
        }
    }
    let found = store::finding::find(&mut *db, findings).await.map_err(store("read findings"))?;
    let missing = findings.iter().find(|id| found.iter().all(|it| it.finding_id != **id));
    match missing {
        None => Ok(found),
        Some(missing) => Err(Error::FindingUnknown { finding: missing.to_string() }),
    }
}

/// The number of a finding. What is none names none.
pub(crate) fn parse(finding: &str) -> Result<i64, Error> {
    finding.parse().map_err(|_| Error::FindingUnknown { finding: finding.to_owned() })
}

/// A finding as the wire has it.
pub(crate) fn to_wire(finding: store::finding::Finding) -> Finding {
    Finding {
        finding: finding.finding_id.to_string(),
        network: finding.network,
        person: finding.person_id.map(|person| person.to_string()).unwrap_or_default(),
        reason: finding.reason,
        record_time: Some(convert::timestamp(finding.record_time)),
        reverse_time: finding.reverse_time.map(convert::timestamp),
    }
}
