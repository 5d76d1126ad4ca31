//! What scoring keeps as evidence, unpacked.

use std::collections::BTreeMap;

use klout_score_engine::packed::{AccountEvidence, Tally, settled_tallies, unpack_tallies};
use sqlx::PgPool;

/// The evidence of every account of which there is any, wherever it lies.
///
/// # Panics
///
/// When it cannot be read.
pub async fn evidence(db: &PgPool) -> BTreeMap<i64, (AccountEvidence, Vec<Tally>)> {
    let rows: Vec<(i64, Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(
        "select account_id, evidence, tallies from scoring.evidence
         union all select account_id, evidence, tallies from scoring.evidence_delta",
    )
    .fetch_all(db)
    .await
    .expect("evidence");
    let mut all: BTreeMap<i64, (AccountEvidence, Vec<Tally>)> = BTreeMap::new();
    for (account, packed, tallies) in rows {
        let of_account = all.entry(account).or_default();
        of_account.0.add(AccountEvidence::unpack(&packed).expect("packed evidence"));
        if let Some(packed) = tallies {
            of_account.1.extend(unpack_tallies(&packed).expect("packed tallies"));
        }
    }
    all.into_iter()
        .map(|(account, (evidence, tallies))| {
            (account, (evidence.settled(), settled_tallies(tallies)))
        })
        .filter(|(_, (evidence, tallies))| !evidence.is_empty() || !tallies.is_empty())
        .collect()
}
