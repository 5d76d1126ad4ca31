//! What a group has to know before it decides, besides grants: in one statement, as everybody else waits for the campaign
//! meanwhile.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use tracing::instrument;

use super::person_state;
use crate::grants::{Key, RequestName};

#[derive(Debug, Default)]
pub(crate) struct Before {
    /// What was decided on these requests, by the fingerprint of what was asked.
    pub(crate) known: HashMap<RequestName, Vec<u8>>,
    /// Who has left, or was forgotten.
    pub(crate) gone: HashSet<i64>,
    /// How many count for each of these keys.
    pub(crate) taken: HashMap<Key, i64>,
}

/// Finds what there is of requests, people, and what a campaign counts by. Whoever asks holds the campaign.
#[instrument(name = "db.campaign.before", skip_all, fields(requests.len = requests.len()))]
pub(crate) async fn find(
    db: &mut PgConnection,
    campaign: i64,
    requests: &[RequestName],
    people: &[i64],
    keys: &[Key],
) -> Result<Before, sqlx::Error> {
    let callers: Vec<_> = requests.iter().map(|it| it.caller.as_str()).collect();
    let request_ids: Vec<_> = requests.iter().map(|it| it.request_id.as_str()).collect();
    let kinds: Vec<_> = keys.iter().map(Key::kind).collect();
    let texts: Vec<_> = keys.iter().map(Key::text).collect();
    let row = sqlx::query!(
        r#"
        select
            array(
                select (decision.caller, decision.request_id, decision.fingerprint)
                from unnest($2::text[], $3::text[]) as asked (caller, request_id)
                cross join lateral (
                    select * from perks.decision as made
                    where made.campaign_id = $1 and made.caller = asked.caller and made.request_id = asked.request_id
                    limit 1
                ) as decision
            ) as "known!: Vec<(String, String, Vec<u8>)>",
            array(
                select (person_id, state, withheld, into_person_id)
                from perks.person_state
                where person_id = any($4)
            ) as "standings!: Vec<(i64, String, i16, Option<i64>)>",
            array(
                select coalesce(budget.taken, 0)
                from unnest($5::text[], $6::text[]) with ordinality as asked (kind, key, place)
                left join lateral (
                    select counted.taken from perks.budget as counted
                    where counted.campaign_id = $1 and counted.kind = asked.kind and counted.key = asked.key
                    limit 1
                ) as budget on true
                order by asked.place
            ) as "taken!"
        "#,
        campaign,
        &callers as &[&str],
        &request_ids as &[&str],
        people,
        &kinds as &[&str],
        &texts,
    )
    .fetch_one(db)
    .await?;
    let known = row
        .known
        .into_iter()
        .map(|(caller, request_id, fingerprint)| (RequestName { caller, request_id }, fingerprint));
    let standings = row.standings.into_iter().map(|(person, state, withheld, into)| {
        (person, person_state::standing(&state, withheld, into))
    });
    Ok(Before {
        known: known.collect(),
        gone: person_state::gone_of(standings),
        taken: keys.iter().cloned().zip(row.taken).collect(),
    })
}
