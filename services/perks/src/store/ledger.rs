//! The row of `perks.campaign` that whoever moves stock and budgets holds.

use klout_chassis::switched_on;
use sqlx::PgConnection;
use tracing::instrument;

/// What a campaign is and gave, while nobody else can change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) state: String,
    pub(crate) version: i32,
    pub(crate) reserved: i64,
    pub(crate) confirmed: i64,
    pub(crate) given_minor_units: i64,
}

/// What of it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) reserved: i64,
    pub(crate) confirmed: i64,
    pub(crate) given_minor_units: i64,
}

/// Waits until nobody else holds the campaign, and holds it until the transaction ends. What is read afterwards is as
/// whoever held it before left it.
#[instrument(name = "db.campaign.hold", skip_all)]
pub(crate) async fn hold(
    db: &mut PgConnection,
    campaign: i64,
) -> Result<Option<Held>, sqlx::Error> {
    if switched_on!("perks.holds_nothing") {
        return read(db, campaign).await;
    }
    sqlx::query_as!(
        Held,
        r#"
        select state, version, reserved, confirmed, given_minor_units
        from perks.campaign
        where campaign_id = $1
        for no key update
        "#,
        campaign,
    )
    .fetch_optional(db)
    .await
}

/// The same without holding it, and so slowly that others decide meanwhile: for a test alone, that what it tests is
/// noticed.
#[instrument(name = "db.campaign.read", skip_all)]
async fn read(db: &mut PgConnection, campaign: i64) -> Result<Option<Held>, sqlx::Error> {
    sqlx::query_as!(
        Held,
        r#"
        select state, version, reserved, confirmed, given_minor_units
        from perks.campaign
        cross join lateral (select pg_sleep(0.1)) as slowly
        where campaign_id = $1
        "#,
        campaign,
    )
    .fetch_optional(db)
    .await
}

/// Counts what was given of the campaign that is held.
#[instrument(name = "db.campaign.count", skip_all)]
pub(crate) async fn count(
    db: &mut PgConnection,
    campaign: i64,
    change: &Change,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update perks.campaign
        set reserved = reserved + $2, confirmed = confirmed + $3, given_minor_units = given_minor_units + $4
        where campaign_id = $1
        "#,
        campaign,
        change.reserved,
        change.confirmed,
        change.given_minor_units,
    )
    .execute(db)
    .await?;
    Ok(())
}
