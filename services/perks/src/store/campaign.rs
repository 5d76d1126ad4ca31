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
