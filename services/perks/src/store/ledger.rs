//! The rows of `perks.campaign` that whoever moves stock and budgets holds, and what is written while they are held.

use klout_chassis::switched_on;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use tracing::instrument;

use super::person_state;
use crate::grants::{Grant, Key, Recorded};

/// What a campaign is and gave, while nobody else can change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) campaign: i64,
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

/// Waits until nobody else holds the campaign, and holds it until the transaction ends; then it keeps the states of people
/// as they are. What is read afterwards is as whoever held either before left it.
#[instrument(name = "db.campaign.hold", skip_all)]
pub(crate) async fn hold(
    db: &mut PgConnection,
    campaign: i64,
) -> Result<Option<Held>, sqlx::Error> {
    if switched_on!("perks.holds_nothing") {
        return read(db, campaign).await;
    }
    // States not before: whoever waits for a campaign is not to keep those waiting who take states over, and behind them
    // every other campaign. They hold no campaign's row, so nobody waits in a circle.
    let held = sqlx::query!(
        r#"
        with held as materialized (
            select campaign_id, state, version, reserved, confirmed, given_minor_units
            from perks.campaign
            where campaign_id = $1
            for no key update
        )
        select held.*, pg_advisory_xact_lock_shared($2) as "shared!: ()" from held
        "#,
        campaign,
        person_state::LOCK,
    )
    .fetch_optional(db)
    .await?;
    Ok(held.map(|it| Held {
        campaign: it.campaign_id,
        state: it.state,
        version: it.version,
        reserved: it.reserved,
        confirmed: it.confirmed,
        given_minor_units: it.given_minor_units,
    }))
}

/// The same of those of some campaigns that nobody else holds, without waiting for any.
#[instrument(name = "db.campaign.hold_free", skip_all, fields(campaigns.len = campaigns.len()))]
pub(crate) async fn hold_free(
    db: &mut PgConnection,
    campaigns: &[i64],
) -> Result<Vec<Held>, sqlx::Error> {
    if switched_on!("perks.holds_nothing") {
        return Ok(Vec::new());
    }
    let held = sqlx::query!(
        r#"
        with held as materialized (
            select campaign_id, state, version, reserved, confirmed, given_minor_units
            from perks.campaign
            where campaign_id = any($1)
            for no key update skip locked
        )
        select held.*, pg_advisory_xact_lock_shared($2) as "shared!: ()" from held
        "#,
        campaigns,
        person_state::LOCK,
    )
    .fetch_all(db)
    .await?;
    let held = held.into_iter().map(|it| Held {
        campaign: it.campaign_id,
        state: it.state,
        version: it.version,
        reserved: it.reserved,
        confirmed: it.confirmed,
        given_minor_units: it.given_minor_units,
    });
    Ok(held.collect())
}

/// The same without holding it, and so slowly that others decide meanwhile: for a test alone, that what it tests is
/// noticed.
#[instrument(name = "db.campaign.read", skip_all)]
async fn read(db: &mut PgConnection, campaign: i64) -> Result<Option<Held>, sqlx::Error> {
    sqlx::query_as!(
        Held,
        r#"
        select campaign_id as campaign, state, version, reserved, confirmed, given_minor_units
        from perks.campaign
        cross join lateral (select pg_sleep(0.1)) as slowly
        where campaign_id = $1
        "#,
        campaign,
    )
    .fetch_optional(db)
    .await
}

/// Writes what was decided and given of campaigns that are held, and what that counts: in one statement, as everybody else
/// waits for the campaigns meanwhile. Of a decision that gives something there is the grant; budgets, of which more is
/// taken, and changes are by campaign.
#[instrument(name = "db.campaign.write", skip_all, fields(decisions.len = decided.len()))]
pub(crate) async fn write(
    db: &mut PgConnection,
    decided: &[(&Recorded, Option<&Grant>)],
    budgets: &[(i64, Key, i64)],
    changes: &[(i64, Change)],
) -> Result<(), sqlx::Error> {
    let decisions = || decided.iter().map(|it| it.0);
    let campaigns: Vec<_> = decisions().map(|it| it.campaign).collect();
    let ids: Vec<_> = decisions().map(|it| it.id).collect();
    let callers: Vec<_> = decisions().map(|it| it.caller.as_str()).collect();
    let request_ids: Vec<_> = decisions().map(|it| it.request_id.as_str()).collect();
    let fingerprints: Vec<_> = decisions().map(|it| it.fingerprint.as_slice()).collect();
    let versions: Vec<_> = decisions().map(|it| it.version).collect();
    let people: Vec<_> = decisions().map(|it| it.person).collect();
    let properties: Vec<_> = decisions().map(|it| it.property.as_str()).collect();
    let stays: Vec<_> = decisions().map(|it| it.stay.as_str()).collect();
    let outcomes: Vec<_> = decisions().map(|it| it.outcome.as_str()).collect();
    let facts: Vec<_> = decisions().map(|it| it.facts.as_deref()).collect();
    let purposes: Vec<_> = decisions().map(|it| it.purpose.as_str()).collect();
    let times: Vec<_> = decisions().map(|it| it.decide_time).collect();
    let grants = || decided.iter().map(|it| it.1);
    let grant_ids: Vec<_> = grants().map(|it| Some(it?.id)).collect();
    let categories: Vec<_> = grants().map(|it| Some(it?.category.as_str())).collect();
    let states: Vec<_> = grants().map(|it| Some(it?.state.as_str())).collect();
    let unique_keys: Vec<_> = grants().map(|it| Some(it?.unique_key.as_str())).collect();
    let minor_units: Vec<_> = grants().map(|it| Some(it?.minor_units)).collect();
    let days: Vec<_> = grants().map(|it| Some(it?.day)).collect();
    let codes: Vec<_> = grants().map(|it| it?.code.as_deref()).collect();
    let expire_times: Vec<_> = grants().map(|it| Some(it?.expire_time)).collect();
    let budgets_of: Vec<_> = budgets.iter().map(|(campaign, ..)| *campaign).collect();
    let kinds: Vec<_> = budgets.iter().map(|(_, key, _)| key.kind()).collect();
    let keys: Vec<_> = budgets.iter().map(|(_, key, _)| key.text()).collect();
    let counts: Vec<_> = budgets.iter().map(|(.., count)| *count).collect();
    let changed: Vec<_> = changes.iter().map(|it| it.0).collect();
    let reserved: Vec<_> = changes.iter().map(|it| it.1.reserved).collect();
    let confirmed: Vec<_> = changes.iter().map(|it| it.1.confirmed).collect();
    let given_minor_units: Vec<_> = changes.iter().map(|it| it.1.given_minor_units).collect();
    sqlx::query!(
        r#"
        with decided as (
            select * from unnest($2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::integer[], $7::bigint[],
                $8::text[], $9::text[], $10::text[], $11::bytea[], $12::text[], $13::timestamptz[], $14::bigint[],
                $15::text[], $16::text[], $17::text[], $18::bigint[], $19::date[], $20::text[], $21::timestamptz[],
                $1::bigint[])
                as it (decision_id, caller, request_id, fingerprint, version, person_id, property, stay, outcome,
                facts, purpose, decide_time, grant_id, category, state, unique_key, minor_units, day, code,
                expire_time, campaign_id)
        ),
        given as (
            insert into perks.grant
                (campaign_id, grant_id, version, person_id, property, stay, category, state, unique_key, minor_units,
                day, code, reserve_time, expire_time)
            select campaign_id, grant_id, version, person_id, property, stay, category, state, unique_key, minor_units, day,
                code, decide_time, expire_time
            from decided
            where grant_id is not null
        ),
        counted as (
            update perks.campaign as campaign
            set reserved = campaign.reserved + change.reserved, confirmed = campaign.confirmed + change.confirmed,
                given_minor_units = campaign.given_minor_units + change.given_minor_units
            from unnest($26::bigint[], $27::bigint[], $28::bigint[], $29::bigint[])
                as change (campaign_id, reserved, confirmed, given_minor_units)
            where campaign.campaign_id = change.campaign_id and campaign.campaign_id = any($26)
        ),
        more as (
            insert into perks.budget as budget (campaign_id, kind, key, taken)
            select * from unnest($25::bigint[], $22::text[], $23::text[], $24::bigint[])
            on conflict on constraint budget_pkey do update set taken = budget.taken + excluded.taken
        )
        insert into perks.decision
            (campaign_id, decision_id, caller, request_id, fingerprint, version, person_id, property, stay, outcome,
            facts, grant_id, purpose, decide_time)
        select campaign_id, decision_id, caller, request_id, fingerprint, version, person_id, property, stay, outcome, facts,
            grant_id, purpose, decide_time
        from decided
        "#,
        &campaigns,
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
        &purposes as &[&str],
        &times,
        &grant_ids as &[Option<i64>],
        &categories as &[Option<&str>],
        &states as &[Option<&str>],
        &unique_keys as &[Option<&str>],
        &minor_units as &[Option<i64>],
        &days as &[Option<Date>],
        &codes as &[Option<&str>],
        &expire_times as &[Option<OffsetDateTime>],
        &kinds as &[&str],
        &keys,
        &counts,
        &budgets_of,
        &changed,
        &reserved,
        &confirmed,
        &given_minor_units,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Counts less of budgets, each of a campaign and by a negative number. Whoever asks holds the campaigns.
#[instrument(name = "db.budget.give_back", skip_all, fields(budgets.len = budgets.len()))]
pub(crate) async fn give_back(
    db: &mut PgConnection,
    budgets: &[(i64, Key, i64)],
) -> Result<(), sqlx::Error> {
    let campaigns: Vec<_> = budgets.iter().map(|(campaign, ..)| *campaign).collect();
    let kinds: Vec<_> = budgets.iter().map(|(_, key, _)| key.kind()).collect();
    let keys: Vec<_> = budgets.iter().map(|(_, key, _)| key.text()).collect();
    let counts: Vec<_> = budgets.iter().map(|(.., count)| *count).collect();
    sqlx::query!(
        r#"
        update perks.budget as budget
        set taken = budget.taken + fewer.count
        from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) as fewer (campaign_id, kind, key, count)
        where budget.campaign_id = fewer.campaign_id and budget.kind = fewer.kind and budget.key = fewer.key
            and budget.campaign_id = any($1) and budget.kind = any($2) and budget.key = any($3)
        "#,
        &campaigns,
        &kinds as &[&str],
        &keys,
        &counts,
    )
    .execute(db)
    .await?;
    Ok(())
}
