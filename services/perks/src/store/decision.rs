//! `perks.decision`: what was decided on which request, and from what.

use std::collections::{HashMap, HashSet};

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

use crate::grants::{Recorded, RequestName};

/// Where a page of a list ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) time: OffsetDateTime,
    pub(crate) id: i64,
}

/// What was decided on a request, if anything was.
#[instrument(name = "db.decision.by_request", skip_all)]
pub(crate) async fn by_request(
    db: impl PgExecutor<'_>,
    campaign: i64,
    caller: &str,
    request_id: &str,
) -> Result<Option<Recorded>, sqlx::Error> {
    sqlx::query_as!(
        Recorded,
        r#"
        select campaign_id as campaign, decision_id as id, caller, request_id, fingerprint, version,
            person_id as person, property, stay, outcome, facts, grant_id as grant, purpose, decide_time
        from perks.decision
        where campaign_id = $1 and caller = $2 and request_id = $3
        "#,
        campaign,
        caller,
        request_id,
    )
    .fetch_optional(db)
    .await
}

/// One of a campaign.
#[instrument(name = "db.decision.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    campaign: i64,
    decision: i64,
) -> Result<Option<Recorded>, sqlx::Error> {
    sqlx::query_as!(
        Recorded,
        r#"
        select campaign_id as campaign, decision_id as id, caller, request_id, fingerprint, version,
            person_id as person, property, stay, outcome, facts, grant_id as grant, purpose, decide_time
        from perks.decision
        where campaign_id = $1 and decision_id = $2
        "#,
        campaign,
        decision,
    )
    .fetch_optional(db)
    .await
}

/// Those of a campaign, newest first.
#[instrument(name = "db.decision.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    campaign: i64,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Recorded>, sqlx::Error> {
    sqlx::query_as!(
        Recorded,
        r#"
        select campaign_id as campaign, decision_id as id, caller, request_id, fingerprint, version,
            person_id as person, property, stay, outcome, facts, grant_id as grant, purpose, decide_time
        from perks.decision
        where campaign_id = $1
            and ($2::timestamptz is null or (decide_time, decision_id) < ($2::timestamptz, $3::bigint))
        order by decide_time desc, decision_id desc
        limit $4
        "#,
        campaign,
        after.map(|it| it.time),
        after.map(|it| it.id),
        limit,
    )
    .fetch_all(db)
    .await
}

/// Of these requests those on which something was decided, with the fingerprint of what was asked.
#[instrument(name = "db.decision.known", skip_all, fields(requests.len = requests.len()))]
pub(crate) async fn known(
    db: &mut PgConnection,
    campaign: i64,
    requests: &[RequestName],
) -> Result<HashMap<RequestName, Vec<u8>>, sqlx::Error> {
    let callers: Vec<_> = requests.iter().map(|it| it.caller.as_str()).collect();
    let request_ids: Vec<_> = requests.iter().map(|it| it.request_id.as_str()).collect();
    let rows = sqlx::query!(
        r#"
        select decision.caller, decision.request_id, decision.fingerprint
        from unnest($2::text[], $3::text[]) as asked (caller, request_id)
        join perks.decision as decision
            on decision.campaign_id = $1 and decision.caller = asked.caller
            and decision.request_id = asked.request_id
        "#,
        campaign,
        &callers as &[&str],
        &request_ids as &[&str],
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|it| (RequestName { caller: it.caller, request_id: it.request_id }, it.fingerprint))
        .collect())
}

/// Those of these grants, by campaign and number, that a caller reserved.
#[instrument(name = "db.decision.reserved_by", skip_all, fields(grants.len = grants.len()))]
pub(crate) async fn reserved_by(
    db: impl PgExecutor<'_>,
    caller: &str,
    grants: &[(i64, i64)],
) -> Result<HashSet<(i64, i64)>, sqlx::Error> {
    let (campaigns, ids): (Vec<i64>, Vec<i64>) = grants.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"
        select asked.campaign_id as "campaign_id!", asked.grant_id as "grant_id!"
        from unnest($2::bigint[], $3::bigint[]) as asked (campaign_id, grant_id)
        join perks.decision as decision
            on decision.campaign_id = asked.campaign_id and decision.grant_id = asked.grant_id
        where decision.caller = $1
        "#,
        caller,
        &campaigns,
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.campaign_id, it.grant_id)).collect())
}

/// Writes new ones.
#[instrument(name = "db.decision.insert", skip_all, fields(decisions.len = decisions.len()))]
pub(crate) async fn insert(
    db: &mut PgConnection,
    campaign: i64,
    decisions: &[Recorded],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = decisions.iter().map(|it| it.id).collect();
    let callers: Vec<_> = decisions.iter().map(|it| it.caller.as_str()).collect();
    let request_ids: Vec<_> = decisions.iter().map(|it| it.request_id.as_str()).collect();
    let fingerprints: Vec<_> = decisions.iter().map(|it| it.fingerprint.as_slice()).collect();
    let versions: Vec<_> = decisions.iter().map(|it| it.version).collect();
    let people: Vec<_> = decisions.iter().map(|it| it.person).collect();
    let properties: Vec<_> = decisions.iter().map(|it| it.property.as_str()).collect();
    let stays: Vec<_> = decisions.iter().map(|it| it.stay.as_str()).collect();
    let outcomes: Vec<_> = decisions.iter().map(|it| it.outcome.as_str()).collect();
    let facts: Vec<_> = decisions.iter().map(|it| it.facts.as_deref()).collect();
    let grants: Vec<_> = decisions.iter().map(|it| it.grant).collect();
    let purposes: Vec<_> = decisions.iter().map(|it| it.purpose.as_str()).collect();
    let times: Vec<_> = decisions.iter().map(|it| it.decide_time).collect();
    sqlx::query!(
        r#"
        insert into perks.decision
            (campaign_id, decision_id, caller, request_id, fingerprint, version, person_id, property, stay, outcome,
            facts, grant_id, purpose, decide_time)
        select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::integer[], $7::bigint[],
            $8::text[], $9::text[], $10::text[], $11::bytea[], $12::bigint[], $13::text[], $14::timestamptz[])
        "#,
        campaign,
        &ids,
        &callers as &[&str],
        &request_ids as &[&str],
        &fingerprints as &[&[u8]],
        &versions,
        &people as &[Option<i64>],
        &properties as &[&str],
        &stays as &[&str],
        &outcomes as &[&str],
        &facts as &[Option<&[u8]>],
        &grants as &[Option<i64>],
        &purposes as &[&str],
        &times,
    )
    .execute(db)
    .await?;
    Ok(())
}
