//! `perks.grant`: what was given to whom, and where it is in its life.

use klout_perk_rules::GrantState;
use sqlx::{PgConnection, PgExecutor};
use time::{Date, OffsetDateTime};
use tracing::instrument;

use crate::grants::Grant;

/// A row as it is; its state is one of [`GrantState`], as a constraint says.
#[derive(Debug)]
pub(crate) struct Row {
    pub(super) campaign_id: i64,
    pub(super) grant_id: i64,
    pub(super) version: i32,
    pub(super) person_id: Option<i64>,
    pub(super) property: String,
    pub(super) stay: String,
    pub(super) category: String,
    pub(super) state: String,
    pub(super) unique_key: String,
    pub(super) minor_units: i64,
    pub(super) day: Date,
    pub(super) code: Option<String>,
    pub(super) why: String,
    pub(super) reserve_time: OffsetDateTime,
    pub(super) expire_time: OffsetDateTime,
    pub(super) confirm_time: Option<OffsetDateTime>,
    pub(super) end_time: Option<OffsetDateTime>,
}

impl From<Row> for Grant {
    fn from(row: Row) -> Self {
        Self {
            campaign: row.campaign_id,
            id: row.grant_id,
            version: row.version,
            person: row.person_id,
            property: row.property,
            stay: row.stay,
            category: row.category,
            state: GrantState::from_name(&row.state).expect("a constraint names the states"),
            unique_key: row.unique_key,
            minor_units: row.minor_units,
            day: row.day,
            code: row.code,
            why: row.why,
            reserve_time: row.reserve_time,
            expire_time: row.expire_time,
            confirm_time: row.confirm_time,
            end_time: row.end_time,
        }
    }
}

/// One grant of a campaign.
#[instrument(name = "db.grant.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    campaign: i64,
    grant: i64,
) -> Result<Option<Grant>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select campaign_id, grant_id, version, person_id, property, stay, category, state, unique_key, minor_units,
            day, code, why, reserve_time, expire_time, confirm_time, end_time
        from perks.grant
        where campaign_id = $1 and grant_id = $2
        "#,
        campaign,
        grant,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Grant::from))
}

/// Which grants a group has to know.
#[derive(Debug, Default)]
pub(crate) struct Concerned {
    /// Its campaigns.
    pub(crate) campaigns: Vec<i64>,
    /// Grants by campaign and number.
    pub(crate) grants: Vec<(i64, i64)>,
    /// Keys, by campaign: who holds one.
    pub(crate) unique_keys: Vec<(i64, String)>,
    /// People, by campaign: what they have that still counts.
    pub(crate) people: Vec<(i64, i64)>,
}

/// The grants that a group has to know, and the reservations of its campaigns whose time is over: of each campaign at most
/// so many, the longest over first. Each is there once.
#[instrument(name = "db.grant.concerned", skip_all)]
pub(crate) async fn concerned(
    db: &mut PgConnection,
    concerned: &Concerned,
    now: OffsetDateTime,
    due_max: i64,
) -> Result<Vec<Grant>, sqlx::Error> {
    let Concerned { campaigns, grants, unique_keys, people } = concerned;
    let (named_of, named): (Vec<i64>, Vec<i64>) = grants.iter().copied().unzip();
    let (keys_of, keys): (Vec<i64>, Vec<&str>) =
        unique_keys.iter().map(|(campaign, key)| (*campaign, key.as_str())).unzip();
    let (people_of, people): (Vec<i64>, Vec<i64>) = people.iter().copied().unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"
        with concerned as (
            select campaign_id, grant_id from unnest($1::bigint[], $2::bigint[]) as named (campaign_id, grant_id)
            union
            select holds.campaign_id, holds.grant_id
            from unnest($3::bigint[], $4::text[]) as named (campaign_id, unique_key)
            cross join lateral (
                select it.campaign_id, it.grant_id from perks.grant as it
                where it.campaign_id = named.campaign_id and it.unique_key = named.unique_key
                    and it.state in ('RESERVED', 'CONFIRMED')
                limit 1
            ) as holds
            union
            -- All that a person has are fewer than all that a campaign gave: `offset` keeps the campaign out.
            select has.campaign_id, has.grant_id
            from unnest($5::bigint[], $6::bigint[]) as named (campaign_id, person_id)
            cross join lateral (
                select it.campaign_id, it.grant_id from perks.grant as it
                where it.person_id = named.person_id and it.state in ('RESERVED', 'CONFIRMED')
                offset 0
            ) as has
            where has.campaign_id = named.campaign_id
            union
            select due.campaign_id, due.grant_id
            from unnest($7::bigint[]) as named (campaign_id)
            cross join lateral (
                select it.campaign_id, it.grant_id from perks.grant as it
                where it.campaign_id = named.campaign_id and it.state = 'RESERVED' and it.expire_time <= $8
                order by it.expire_time
                limit $9
            ) as due
        )
        select it.campaign_id, it.grant_id, it.version, it.person_id, it.property, it.stay, it.category, it.state,
            it.unique_key, it.minor_units, it.day, it.code, it.why, it.reserve_time, it.expire_time, it.confirm_time,
            it.end_time
        from concerned
        cross join lateral (
            select * from perks.grant as one
            where one.campaign_id = concerned.campaign_id and one.grant_id = concerned.grant_id
            limit 1
        ) as it
        "#,
        &named_of,
        &named,
        &keys_of,
        &keys as &[&str],
        &people_of,
        &people,
        campaigns,
        now,
        due_max,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Grant::from).collect())
}

/// Writes where grants are now.
#[instrument(name = "db.grant.move", skip_all, fields(grants.len = grants.len()))]
pub(crate) async fn put(db: &mut PgConnection, grants: &[&Grant]) -> Result<(), sqlx::Error> {
    let campaigns: Vec<_> = grants.iter().map(|it| it.campaign).collect();
    let ids: Vec<_> = grants.iter().map(|it| it.id).collect();
    let states: Vec<_> = grants.iter().map(|it| it.state.as_str()).collect();
    let codes: Vec<_> = grants.iter().map(|it| it.code.as_deref()).collect();
    let whys: Vec<_> = grants.iter().map(|it| it.why.as_str()).collect();
    let confirm_times: Vec<_> = grants.iter().map(|it| it.confirm_time).collect();
    let end_times: Vec<_> = grants.iter().map(|it| it.end_time).collect();
    sqlx::query!(
        r#"
        update perks.grant as g
        set state = moved.state, code = moved.code, why = moved.why, confirm_time = moved.confirm_time,
            end_time = moved.end_time
        from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
            $7::timestamptz[]) as moved (campaign_id, grant_id, state, code, why, confirm_time, end_time)
        where g.campaign_id = moved.campaign_id and g.grant_id = moved.grant_id
            and g.campaign_id = any($1) and g.grant_id = any($2)
        "#,
        &campaigns,
        &ids,
        &states as &[&str],
        &codes as &[Option<&str>],
        &whys as &[&str],
        &confirm_times as &[Option<OffsetDateTime>],
        &end_times as &[Option<OffsetDateTime>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Campaigns with reservations whose time is over, at most so many.
#[instrument(name = "db.grant.due", skip_all)]
pub(crate) async fn due(
    db: impl PgExecutor<'_>,
    now: OffsetDateTime,
    max: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select distinct campaign_id
        from perks.grant
        where state = 'RESERVED' and expire_time <= $1
        limit $2
        "#,
        now,
        max,
    )
    .fetch_all(db)
    .await
}
