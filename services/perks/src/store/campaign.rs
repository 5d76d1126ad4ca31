//! `perks.campaign` and `perks.campaign_version`: what is offered, and what was given of it.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

/// A campaign with one of its versions.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) campaign_id: i64,
    pub(crate) state: String,
    /// The newest.
    pub(crate) version: i32,
    /// A `klout.perk.v1.CampaignSpec`, of the version that was asked for.
    pub(crate) spec: Vec<u8>,
    /// Of which `spec` is.
    pub(crate) spec_version: i32,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) update_time: OffsetDateTime,
    pub(crate) activate_time: Option<OffsetDateTime>,
    pub(crate) reserved: i64,
    pub(crate) confirmed: i64,
    pub(crate) given_minor_units: i64,
}

/// How a campaign stands, without its spec.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) campaign_id: i64,
    pub(crate) version: i32,
    pub(crate) activate_time: Option<OffsetDateTime>,
}

/// One campaign, with a version of it; `None`: the newest.
#[instrument(name = "db.campaign.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    campaign: i64,
    version: Option<i32>,
) -> Result<Option<Kept>, sqlx::Error> {
    sqlx::query_as!(
        Kept,
        r#"
        select c.campaign_id, c.state, c.version, v.spec, v.version as spec_version, c.create_time, c.update_time,
            c.activate_time, c.reserved, c.confirmed, c.given_minor_units
        from perks.campaign c
        join perks.campaign_version v on v.campaign_id = c.campaign_id and v.version = coalesce($2, c.version)
        where c.campaign_id = $1
        "#,
        campaign,
        version,
    )
    .fetch_optional(db)
    .await
}

/// Those that are active, by their ids, and no more than so many.
#[instrument(name = "db.campaign.active", skip_all)]
pub(crate) async fn active(
    db: impl PgExecutor<'_>,
    max: i64,
) -> Result<Vec<Standing>, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"
        select campaign_id, version, activate_time
        from perks.campaign
        where state = 'ACTIVE'
        order by campaign_id
        limit $1
        "#,
        max,
    )
    .fetch_all(db)
    .await
}

/// The specs of these versions.
#[instrument(name = "db.campaign_version.of", skip_all)]
pub(crate) async fn specs(
    db: impl PgExecutor<'_>,
    campaigns: &[i64],
    versions: &[i32],
) -> Result<Vec<(i64, i32, Vec<u8>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select v.campaign_id, v.version, v.spec
        from perks.campaign_version v
        join unnest($1::bigint[], $2::integer[]) asked (campaign_id, version)
            on v.campaign_id = asked.campaign_id and v.version = asked.version
        "#,
        campaigns,
        versions,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.campaign_id, it.version, it.spec)).collect())
}

/// How many grants the one who has most has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    pub(crate) by_person: i64,
    pub(crate) at_property: i64,
    pub(crate) today: i64,
}

/// Where a page of the list ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) create_time: OffsetDateTime,
    pub(crate) campaign_id: i64,
}

/// What tells this lock from others of the database: "perk". Held by whoever activates a campaign, so that no two are
/// the last for which there is room.
const ACTIVE_LOCK: i64 = 0x7065_726b;

/// Campaigns with their newest versions, newest first.
#[instrument(name = "db.campaign.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    state: Option<&str>,
    brand: Option<&str>,
    after: Option<Place>,
    max: i64,
) -> Result<Vec<Kept>, sqlx::Error> {
    sqlx::query_as!(
        Kept,
        r#"
        select c.campaign_id, c.state, c.version, v.spec, v.version as spec_version, c.create_time, c.update_time,
            c.activate_time, c.reserved, c.confirmed, c.given_minor_units
        from perks.campaign c
        join perks.campaign_version v on v.campaign_id = c.campaign_id and v.version = c.version
        where ($1::text is null or c.state = $1)
            and ($2::text is null or c.brand = $2)
            and ($3::timestamptz is null or (c.create_time, c.campaign_id) < ($3, $4))
        order by c.create_time desc, c.campaign_id desc
        limit $5
        "#,
        state,
        brand,
        after.map(|it| it.create_time),
        after.map_or(0, |it| it.campaign_id),
        max,
    )
    .fetch_all(db)
    .await
}

/// Holds a campaign until the transaction ends. Returns whether it is there.
#[instrument(name = "db.campaign.hold", skip_all)]
pub(crate) async fn hold(db: impl PgExecutor<'_>, campaign: i64) -> Result<bool, sqlx::Error> {
    let held = sqlx::query_scalar!(
        "select campaign_id from perks.campaign where campaign_id = $1 for update",
        campaign,
    )
    .fetch_optional(db)
    .await?;
    Ok(held.is_some())
}

/// Has whoever else activates a campaign wait until the transaction ends.
#[instrument(name = "db.campaign.hold_active", skip_all)]
pub(crate) async fn hold_active(db: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"select pg_advisory_xact_lock($1) as "locked!: ()""#, ACTIVE_LOCK)
        .fetch_one(db)
        .await?;
    Ok(())
}

#[instrument(name = "db.campaign.count_active", skip_all)]
pub(crate) async fn count_active(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "active!" from perks.campaign where state = 'ACTIVE'"#
    )
    .fetch_one(db)
    .await
}

/// Adds a draft. Returns whether there was none of this id.
#[instrument(name = "db.campaign.insert", skip_all)]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    campaign: i64,
    brand: &str,
    caller: &str,
    time: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        insert into perks.campaign (campaign_id, brand, create_caller, create_time, update_time)
        values ($1, $2, $3, $4, $4)
        on conflict do nothing
        "#,
        campaign,
        brand,
        caller,
        time,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

#[instrument(name = "db.campaign_version.insert", skip_all)]
pub(crate) async fn insert_version(
    db: impl PgExecutor<'_>,
    campaign: i64,
    version: i32,
    spec: &[u8],
    time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into perks.campaign_version (campaign_id, version, spec, create_time)
        values ($1, $2, $3, $4)
        "#,
        campaign,
        version,
        spec,
        time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a version the newest. Only while the campaign is held.
#[instrument(name = "db.campaign.renew", skip_all)]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    campaign: i64,
    version: i32,
    brand: &str,
    time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update perks.campaign set version = $2, brand = $3, update_time = $4 where campaign_id = $1",
        campaign,
        version,
        brand,
        time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts a campaign into a state. Only while it is held.
#[instrument(name = "db.campaign.go", skip_all)]
pub(crate) async fn go(
    db: impl PgExecutor<'_>,
    campaign: i64,
    state: &str,
    time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update perks.campaign
        set state = $2, update_time = $3,
            activate_time = case when $2 = 'ACTIVE' then coalesce(activate_time, $3) else activate_time end
        where campaign_id = $1
        "#,
        campaign,
        state,
        time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The most that a person has, that a property gave, and that were given on a day, as it is named there: of these kinds,
/// else 0.
#[instrument(name = "db.budget.taken", skip_all)]
pub(crate) async fn taken(
    db: impl PgExecutor<'_>,
    campaign: i64,
    kinds: &[&str],
    day: &str,
) -> Result<Taken, sqlx::Error> {
    sqlx::query_as!(
        Taken,
        r#"
        select coalesce(max(taken) filter (where kind = 'PERSON'), 0) as "by_person!",
            coalesce(max(taken) filter (where kind = 'PROPERTY'), 0) as "at_property!",
            coalesce(max(taken) filter (where kind = 'DAY' and key = $2), 0) as "today!"
        from perks.budget
        where campaign_id = $1 and kind = any($3)
        "#,
        campaign,
        day,
        kinds as &[&str],
    )
    .fetch_one(db)
    .await
}
