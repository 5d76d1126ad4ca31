//! `perks.decision`: what was decided on which request, and from what.

use std::collections::HashSet;

use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

use crate::grants::{Recorded, RequestName};

/// Where a page of a list ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) time: OffsetDateTime,
    pub(crate) id: i64,
}

/// What was decided on these requests, each of a campaign, if anything was.
#[instrument(name = "db.decision.by_request", skip_all, fields(requests.len = requests.len()))]
pub(crate) async fn by_request(
    db: impl PgExecutor<'_>,
    requests: &[(i64, RequestName)],
) -> Result<Vec<Recorded>, sqlx::Error> {
    let campaigns: Vec<_> = requests.iter().map(|it| it.0).collect();
    let callers: Vec<_> = requests.iter().map(|it| it.1.caller.as_str()).collect();
    let request_ids: Vec<_> = requests.iter().map(|it| it.1.request_id.as_str()).collect();
    sqlx::query_as!(
        Recorded,
        r#"
        select decision.campaign_id as campaign, decision_id as id, decision.caller, decision.request_id, fingerprint,
            version, person_id as person, property, stay, outcome, facts, grant_id as grant, purpose, decide_time
        from unnest($1::bigint[], $2::text[], $3::text[]) as asked (campaign_id, caller, request_id)
        cross join lateral (
            select * from perks.decision as made
            where made.campaign_id = asked.campaign_id and made.caller = asked.caller
                and made.request_id = asked.request_id
            limit 1
        ) as decision
        "#,
        &campaigns,
        &callers as &[&str],
        &request_ids as &[&str],
    )
    .fetch_all(db)
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
