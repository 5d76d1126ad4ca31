//! `perks.grant` and `perks.decision` as they are listed and reported.

use futures::{Stream, TryStreamExt as _};
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;
use tracing::instrument;

use super::grant::Row;
use crate::grants::Grant;

/// Whose grants.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of {
    Person(i64),
    Campaign(i64),
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    All,
    Open,
    Claimed,
    Expired,
}

/// Where a page of the list ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) time: OffsetDateTime,
    pub(crate) campaign: i64,
    pub(crate) grant: i64,
}

/// A group of people whom a campaign qualified.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) outcome: String,
    pub(crate) people: i64,
    pub(crate) came_again: i64,
}

/// Grants, newest first. Reservations whose time is over count as expired, whether or not that was written down.
#[instrument(name = "db.grant.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    of: Of,
    status: Status,
    now: OffsetDateTime,
    after: Option<Place>,
    max: i64,
) -> Result<Vec<Grant>, sqlx::Error> {
    let (person, campaign) = match of {
        Of::Person(person) => (Some(person), None),
        Of::Campaign(campaign) => (None, Some(campaign)),
    };
    let status = match status {
        Status::All => "",
        Status::Open => "OPEN",
        Status::Claimed => "CLAIMED",
        Status::Expired => "EXPIRED",
    };
    // Each half is empty or goes along an index of its own.
    let rows = sqlx::query_as!(
        Row,
        r#"
        with listed as (
            (
                select * from perks.grant
                where person_id = $1
                    and case
                        when state = 'CONFIRMED' then $3 in ('', 'CLAIMED')
                        when state = 'RESERVED' and expire_time > $4 then $3 in ('', 'OPEN')
                        else $3 in ('', 'EXPIRED')
                    end
                    and ($5::timestamptz is null or (reserve_time, campaign_id, grant_id) < ($5, $6::bigint, $7::bigint))
                order by reserve_time desc, campaign_id desc, grant_id desc
                limit $8
            )
            union all
            (
                select * from perks.grant
                where campaign_id = $2
                    and case
                        when state = 'CONFIRMED' then $3 in ('', 'CLAIMED')
                        when state = 'RESERVED' and expire_time > $4 then $3 in ('', 'OPEN')
                        else $3 in ('', 'EXPIRED')
                    end
                    and ($5::timestamptz is null or (reserve_time, grant_id) < ($5, $7::bigint))
                order by reserve_time desc, grant_id desc
                limit $8
            )
        )
        select campaign_id as "campaign_id!", grant_id as "grant_id!", version as "version!", person_id,
            property as "property!", stay as "stay!", category as "category!", state as "state!",
            unique_key as "unique_key!", minor_units as "minor_units!", day as "day!", code, why as "why!",
            reserve_time as "reserve_time!", expire_time as "expire_time!", confirm_time, end_time
        from listed
        order by reserve_time desc, campaign_id desc, grant_id desc
        "#,
        person,
        campaign,
        status,
        now,
        after.map(|it| it.time),
        after.map(|it| it.campaign),
        after.map(|it| it.grant),
        max,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Grant::from).collect())
}

/// How often each outcome was decided.
#[instrument(name = "db.decision.outcomes", skip_all)]
pub(crate) async fn outcomes(
    db: impl PgExecutor<'_>,
    campaign: i64,
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select outcome, count(*) as "count!" from perks.decision
        where campaign_id = $1
        group by outcome
        order by outcome
        "#,
        campaign,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.outcome, row.count)).collect())
}

/// How many grants are in each state.
#[instrument(name = "db.grant.states", skip_all)]
pub(crate) async fn states(
    db: impl PgExecutor<'_>,
    campaign: i64,
    now: OffsetDateTime,
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select case when state = 'RESERVED' and expire_time <= $2 then 'EXPIRED' else state end as "state!",
            count(*) as "count!"
        from perks.grant
        where campaign_id = $1
        group by 1
        order by 1
        "#,
        campaign,
        now,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.count)).collect())
}

/// People who were offered it, and who were held out, and how many of them came again to the brand. Not who has left.
#[instrument(name = "db.decision.groups", skip_all)]
pub(crate) async fn groups(
    db: impl PgExecutor<'_>,
    campaign: i64,
) -> Result<Vec<Group>, sqlx::Error> {
    sqlx::query_as!(
        Group,
        r#"
        with first as (
            select person_id, outcome, min(decide_time) as decide_time
            from perks.decision as decided
            where campaign_id = $1 and outcome in ('RESERVED', 'HELD_OUT') and person_id is not null
                and not exists (
                    select from perks.person_state as left_by
                    where left_by.person_id = decided.person_id and left_by.state <> 'MEMBER'
                )
            group by person_id, outcome
        )
        select outcome, count(*) as "people!",
            count(*) filter (where exists (
                select from perks.decision as again
                join perks.campaign as other on other.campaign_id = again.campaign_id
                where again.person_id = first.person_id and again.decide_time >= first.decide_time + interval '1 day'
                    and other.brand = (select brand from perks.campaign where campaign_id = $1)
            )) as "came_again!"
        from first
        group by outcome
        "#,
        campaign,
    )
    .fetch_all(db)
    .await
}

/// From what the first decision with each of these outcomes was made, by person. Not of who has left.
pub(crate) fn first_facts(
    db: &PgPool,
    campaign: i64,
) -> impl Stream<Item = Result<(String, Vec<u8>), sqlx::Error>> + Send + '_ {
    sqlx::query!(
        r#"
        select distinct on (person_id, outcome) outcome, facts as "facts!"
        from perks.decision as decided
        where campaign_id = $1 and outcome in ('RESERVED', 'HELD_OUT') and person_id is not null
            and facts is not null
            and not exists (
                select from perks.person_state as left_by
                where left_by.person_id = decided.person_id and left_by.state <> 'MEMBER'
            )
        order by person_id, outcome, decide_time
        "#,
        campaign,
    )
    .fetch(db)
    .map_ok(|row| (row.outcome, row.facts))
}
