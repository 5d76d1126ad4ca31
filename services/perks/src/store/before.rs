//! What a group has to know before it decides, besides grants: in one statement, as everybody else waits for its campaigns
//! meanwhile.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use tracing::instrument;

use super::person_state;
use crate::grants::{Key, RequestName};

#[derive(Debug, Default)]
pub(crate) struct Before {
    /// What was decided on these requests of campaigns, by the fingerprint of what was asked.
    pub(crate) known: HashMap<(i64, RequestName), Vec<u8>>,
    /// Who has left, or was forgotten.
    pub(crate) gone: HashSet<i64>,
    /// How many count for each of these keys, by campaign.
    pub(crate) taken: HashMap<i64, HashMap<Key, i64>>,
}

/// Finds what there is of requests, people, and what campaigns count by. Whoever asks holds the campaigns.
#[instrument(name = "db.campaign.before", skip_all, fields(requests.len = requests.len()))]
pub(crate) async fn find(
    db: &mut PgConnection,
    requests: &[(i64, RequestName)],
    people: &[i64],
    keys: &[(i64, Key)],
) -> Result<Before, sqlx::Error> {
    let asked_of: Vec<_> = requests.iter().map(|it| it.0).collect();
    let callers: Vec<_> = requests.iter().map(|it| it.1.caller.as_str()).collect();
    let request_ids: Vec<_> = requests.iter().map(|it| it.1.request_id.as_str()).collect();
    let counted_by: Vec<_> = keys.iter().map(|it| it.0).collect();
    let kinds: Vec<_> = keys.iter().map(|it| it.1.kind()).collect();
    let texts: Vec<_> = keys.iter().map(|it| it.1.text()).collect();
    let row = sqlx::query!(
        r#"
        select
            array(
                select (decision.campaign_id, decision.caller, decision.request_id, decision.fingerprint)
                from unnest($1::bigint[], $2::text[], $3::text[]) as asked (campaign_id, caller, request_id)
                cross join lateral (
                    select * from perks.decision as made
                    where made.campaign_id = asked.campaign_id and made.caller = asked.caller
                        and made.request_id = asked.request_id
                    limit 1
                ) as decision
            ) as "known!: Vec<(i64, String, String, Vec<u8>)>",
            array(
                select (person_id, state, withheld, into_person_id)
                from perks.person_state
                where person_id = any($4)
            ) as "standings!: Vec<(i64, String, i16, Option<i64>)>",
            array(
                select coalesce(budget.taken, 0)
                from unnest($7::bigint[], $5::text[], $6::text[]) with ordinality
                    as asked (campaign_id, kind, key, place)
                left join lateral (
                    select counted.taken from perks.budget as counted
                    where counted.campaign_id = asked.campaign_id and counted.kind = asked.kind
                        and counted.key = asked.key
                    limit 1
                ) as budget on true
                order by asked.place
            ) as "taken!"
        "#,
        &asked_of,
        &callers as &[&str],
        &request_ids as &[&str],
        people,
        &kinds as &[&str],
        &texts,
        &counted_by,
    )
    .fetch_one(db)
    .await?;
    let known = row.known.into_iter().map(|(campaign, caller, request_id, fingerprint)| {
        ((campaign, RequestName { caller, request_id }), fingerprint)
    });
    let standings = row.standings.into_iter().map(|(person, state, withheld, into)| {
        (person, person_state::standing(&state, withheld, into))
    });
    let mut taken: HashMap<i64, HashMap<Key, i64>> = HashMap::new();
    for ((campaign, key), count) in keys.iter().cloned().zip(row.taken) {
        taken.entry(campaign).or_default().insert(key, count);
    }
    Ok(Before { known: known.collect(), gone: person_state::gone_of(standings), taken })
}
