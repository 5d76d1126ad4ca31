//! What of campaigns is left for somebody, in one statement.

use std::collections::HashMap;

use klout_perk_rules::Taken;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

/// What there is of a campaign for one person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    /// With 1 for the codes when there are any, as nobody needs to know how many.
    pub(crate) taken: Taken,
    /// Whether the person has one that the campaign gives to one person once.
    pub(crate) has_one: bool,
}

/// What is left of these campaigns for a person at a property (empty: at none) on a day.
#[instrument(name = "db.campaign.left", skip_all, fields(campaigns.len = campaigns.len()))]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    campaigns: &[i64],
    person: i64,
    property: &str,
    now: OffsetDateTime,
) -> Result<HashMap<i64, Left>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select it.campaign_id, it.reserved + it.confirmed as "grants!", it.given_minor_units as minor_units,
            coalesce(of_person.taken, 0) as "person!", coalesce(of_property.taken, 0) as "property!",
            coalesce(of_day.taken, 0) as "day!",
            exists (
                select from perks.code where code.campaign_id = it.campaign_id and code.grant_id is null
            ) as "has_code!",
            it.campaign_id = any(array(
                select live.campaign_id from perks.grant as live
                where live.person_id = $2 and live.state in ('RESERVED', 'CONFIRMED')
                    and (live.state = 'CONFIRMED' or live.expire_time > $4)
            )) as "has_one!"
        from perks.campaign as it
        left join perks.budget as of_person on of_person.campaign_id = it.campaign_id
            and of_person.kind = 'PERSON' and of_person.key = $2::bigint::text
        left join perks.budget as of_property on of_property.campaign_id = it.campaign_id
            and of_property.kind = 'PROPERTY' and of_property.key = $3
        left join perks.budget as of_day on of_day.campaign_id = it.campaign_id
            and of_day.kind = 'DAY' and of_day.key = ($4 at time zone 'UTC')::date::text
        where it.campaign_id = any($1)
        "#,
        campaigns,
        person,
        property,
        now,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let taken = Taken {
                grants: row.grants,
                minor_units: row.minor_units,
                person: row.person,
                property: row.property,
                day: row.day,
                codes_left: Some(i64::from(row.has_code)),
            };
            (row.campaign_id, Left { taken, has_one: row.has_one })
        })
        .collect())
}
