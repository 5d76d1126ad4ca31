//! `perks.check_in`: what desks were told, one row a stay.

use std::collections::{BTreeMap, HashSet};

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

/// What a desk was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CheckIn {
    pub(crate) property: String,
    pub(crate) stay: String,
    /// Drawn for each call that decides: it makes the request_id of what it reserves.
    pub(crate) attempt: i64,
    pub(crate) is_withdrawn: bool,
    /// Of the guest and the room.
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) caller: String,
    pub(crate) person: Option<i64>,
    pub(crate) is_offer: bool,
    pub(crate) reason: String,
    pub(crate) explanation: String,
    pub(crate) line: String,
    pub(crate) category: String,
    pub(crate) disclosure: String,
    pub(crate) campaign: Option<i64>,
    pub(crate) grant: Option<i64>,
    pub(crate) is_stale: bool,
    pub(crate) score_time: Option<OffsetDateTime>,
    /// As it is now; not written here.
    pub(crate) grant_state: Option<GrantNow>,
    pub(crate) decide_time: OffsetDateTime,
}

/// What became of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GrantNow {
    pub(crate) state: String,
    pub(crate) expire_time: OffsetDateTime,
}

impl CheckIn {
    /// Whether a reservation was made whose time is over, and nobody has written that down.
    pub(crate) fn is_over(&self, now: OffsetDateTime) -> bool {
        let grant = self.grant_state.as_ref();
        grant.is_some_and(|it| it.state == "RESERVED" && it.expire_time <= now)
    }
}

/// Holds these stays until the transaction ends: nobody else decides on them. There may be no row yet, so the name is held;
/// in one order, so that nobody waits in a circle. Whoever reserves holds the campaign first, then stays, then categories.
#[instrument(name = "db.check_in.hold", skip_all, fields(stays.len = stays.len()))]
pub(crate) async fn hold(db: &mut PgConnection, stays: &[(&str, &str)]) -> Result<(), sqlx::Error> {
    let (properties, stays): (Vec<&str>, Vec<&str>) = stays.iter().copied().unzip();
    sqlx::query!(
        r#"
        select pg_advisory_xact_lock(key) as "locked!: ()"
        from (
            select distinct hashtextextended(property || chr(31) || stay, 7) as key
            from unnest($1::text[], $2::text[]) as named (property, stay)
            order by key
        ) as keys
        "#,
        &properties as &[&str],
        &stays as &[&str],
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// Holds those of these categories that are there until the transaction ends. Returns which.
#[instrument(name = "db.category.hold", skip_all, fields(categories.len = categories.len()))]
pub(crate) async fn hold_categories(
    db: &mut PgConnection,
    categories: &[(&str, &str)],
) -> Result<Vec<(String, String)>, sqlx::Error> {
    let (properties, categories): (Vec<&str>, Vec<&str>) = categories.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"
        select category.property, category.category
        from perks.category as category
        join unnest($1::text[], $2::text[]) as named (property, category)
            on named.property = category.property and named.category = category.category
        order by category.property, category.category
        for update of category
        "#,
        &properties as &[&str],
        &categories as &[&str],
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.property, it.category)).collect())
}

/// What there is of stays and categories that are held.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Stays that were decided on, or whose withdrawn reservation was not given back yet: nothing more is given for them.
    pub(crate) decided: HashSet<(String, String)>,
    /// How many are reserved of each of the categories.
    pub(crate) reserved: BTreeMap<(String, String), i64>,
}

/// What there is of stays and categories. A statement of its own, which sees what was written while they were waited for.
#[instrument(name = "db.check_in.held", skip_all, fields(stays.len = stays.len()))]
pub(crate) async fn held(
    db: &mut PgConnection,
    stays: &[(&str, &str)],
    categories: &[(String, String)],
    now: OffsetDateTime,
) -> Result<Held, sqlx::Error> {
    let (at, stays): (Vec<&str>, Vec<&str>) = stays.iter().copied().unzip();
    let of: Vec<_> = categories.iter().map(|it| it.0.as_str()).collect();
    let categories: Vec<_> = categories.iter().map(|it| it.1.as_str()).collect();
    let row = sqlx::query!(
        r#"
        select
            array(
                select (check_in.property, check_in.stay)
                from unnest($1::text[], $2::text[]) as named (property, stay)
                cross join lateral (
                    select * from perks.check_in as told
                    where told.property = named.property and told.stay = named.stay
                    limit 1
                ) as check_in
                where check_in.state = 'DECIDED' or 'RESERVED' = (
                    select held.state from perks.grant as held
                    where held.campaign_id = check_in.campaign_id and held.grant_id = check_in.grant_id
                )
            ) as "decided!: Vec<(String, String)>",
            array(
                select (
                    named.property, named.category,
                    (
                        select count(*) from perks.grant as held
                        where held.property = named.property and held.category = named.category
                            and held.state = 'RESERVED' and held.category <> '' and held.expire_time > $5
                    )
                )
                from unnest($3::text[], $4::text[]) as named (property, category)
            ) as "reserved!: Vec<(String, String, i64)>"
        "#,
        &at as &[&str],
        &stays as &[&str],
        &of as &[&str],
        &categories as &[&str],
        now,
    )
    .fetch_one(db)
    .await?;
    let reserved = row.reserved.into_iter();
    Ok(Held {
        decided: row.decided.into_iter().collect(),
        reserved: reserved
            .map(|(property, category, count)| ((property, category), count))
            .collect(),
    })
}

/// What was told of these stays, each at its property, if anything was.
#[instrument(name = "db.check_in.find", skip_all, fields(stays.len = stays.len()))]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    stays: &[(String, String)],
) -> Result<Vec<CheckIn>, sqlx::Error> {
    let properties: Vec<_> = stays.iter().map(|it| it.0.as_str()).collect();
    let stays: Vec<_> = stays.iter().map(|it| it.1.as_str()).collect();
    let rows = sqlx::query!(
        r#"
        select told.property, told.stay, told.attempt, told.state, told.fingerprint, told.caller, told.person_id,
            told.outcome, told.reason, told.explanation, told.line, told.category, told.disclosure, told.campaign_id,
            told.grant_id, told.is_stale, told.score_time, told.decide_time,
            given.state as "grant_state?", given.expire_time as "expire_time?"
        from unnest($1::text[], $2::text[]) as asked (property, stay)
        cross join lateral (
            select * from perks.check_in as found
            where found.property = asked.property and found.stay = asked.stay
            limit 1
        ) as told
        left join lateral (
            select * from perks.grant as reserved
            where reserved.campaign_id = told.campaign_id and reserved.grant_id = told.grant_id
            limit 1
        ) as given on true
        "#,
        &properties as &[&str],
        &stays as &[&str],
    )
    .fetch_all(db)
    .await?;
    let told = rows.into_iter().map(|it| CheckIn {
        property: it.property,
        stay: it.stay,
        attempt: it.attempt,
        is_withdrawn: it.state == "WITHDRAWN",
        fingerprint: it.fingerprint,
        caller: it.caller,
        person: it.person_id,
        is_offer: it.outcome == "OFFER",
        reason: it.reason,
        explanation: it.explanation,
        line: it.line,
        category: it.category,
        disclosure: it.disclosure,
        campaign: it.campaign_id,
        grant: it.grant_id,
        is_stale: it.is_stale,
        score_time: it.score_time,
        grant_state: it
            .grant_state
            .zip(it.expire_time)
            .map(|(state, expire_time)| GrantNow { state, expire_time }),
        decide_time: it.decide_time,
    });
    Ok(told.collect())
}

/// Keeps what desks are told, each of another stay, in the place of what was withdrawn. Returns how many are kept: a stay
/// that was decided on keeps what it has. Stays are held.
#[instrument(name = "db.check_in.keep", skip_all, fields(told.len = told.len()))]
pub(crate) async fn keep(db: &mut PgConnection, told: &[CheckIn]) -> Result<u64, sqlx::Error> {
    let properties: Vec<_> = told.iter().map(|it| it.property.as_str()).collect();
    let stays: Vec<_> = told.iter().map(|it| it.stay.as_str()).collect();
    let attempts: Vec<_> = told.iter().map(|it| it.attempt).collect();
    let fingerprints: Vec<_> = told.iter().map(|it| it.fingerprint.as_slice()).collect();
    let callers: Vec<_> = told.iter().map(|it| it.caller.as_str()).collect();
    let people: Vec<_> = told.iter().map(|it| it.person).collect();
    let outcomes: Vec<_> =
        told.iter().map(|it| if it.is_offer { "OFFER" } else { "NO_OFFER" }).collect();
    let reasons: Vec<_> = told.iter().map(|it| it.reason.as_str()).collect();
    let explanations: Vec<_> = told.iter().map(|it| it.explanation.as_str()).collect();
    let lines: Vec<_> = told.iter().map(|it| it.line.as_str()).collect();
    let categories: Vec<_> = told.iter().map(|it| it.category.as_str()).collect();
    let disclosures: Vec<_> = told.iter().map(|it| it.disclosure.as_str()).collect();
    let campaigns: Vec<_> = told.iter().map(|it| it.campaign).collect();
    let grants: Vec<_> = told.iter().map(|it| it.grant).collect();
    let stale: Vec<_> = told.iter().map(|it| it.is_stale).collect();
    let score_times: Vec<_> = told.iter().map(|it| it.score_time).collect();
    let decide_times: Vec<_> = told.iter().map(|it| it.decide_time).collect();
    let done = sqlx::query!(
        r#"
        insert into perks.check_in as kept
            (property, stay, attempt, fingerprint, caller, person_id, outcome, reason, explanation, line, category,
            disclosure, campaign_id, grant_id, is_stale, score_time, decide_time)
        select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::text[], $6::bigint[], $7::text[],
            $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bigint[],
            $15::boolean[], $16::timestamptz[], $17::timestamptz[])
        on conflict on constraint check_in_pkey do update
        set attempt = excluded.attempt, state = 'DECIDED', is_told_again = false, fingerprint = excluded.fingerprint,
            caller = excluded.caller, person_id = excluded.person_id, outcome = excluded.outcome,
            reason = excluded.reason, explanation = excluded.explanation, line = excluded.line,
            category = excluded.category, disclosure = excluded.disclosure, campaign_id = excluded.campaign_id,
            grant_id = excluded.grant_id, is_stale = excluded.is_stale, score_time = excluded.score_time,
            decide_time = excluded.decide_time
        where kept.state = 'WITHDRAWN' and kept.attempt <> excluded.attempt
        "#,
        &properties as &[&str],
        &stays as &[&str],
        &attempts,
        &fingerprints as &[&[u8]],
        &callers as &[&str],
        &people as &[Option<i64>],
        &outcomes as &[&str],
        &reasons as &[&str],
        &explanations as &[&str],
        &lines as &[&str],
        &categories as &[&str],
        &disclosures as &[&str],
        &campaigns as &[Option<i64>],
        &grants as &[Option<i64>],
        &stale,
        &score_times as &[Option<OffsetDateTime>],
        &decide_times,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Notes that an attempt is told by another call than the one that made it, which then may not withdraw it. Returns
/// whether it still holds.
#[instrument(name = "db.check_in.tell_again", skip_all)]
pub(crate) async fn tell_again(
    db: impl PgExecutor<'_>,
    property: &str,
    stay: &str,
    attempt: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update perks.check_in set is_told_again = true
        where property = $1 and stay = $2 and attempt = $3 and state = 'DECIDED'
        "#,
        property,
        stay,
        attempt,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes at most so many that were decided on before a time, or, of nobody, before another one. Returns how many.
#[instrument(name = "db.check_in.sweep", skip_all)]
pub(crate) async fn sweep(
    db: impl PgExecutor<'_>,
    before: OffsetDateTime,
    of_nobody_before: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        delete from perks.check_in as told
        using (
            (select property, stay from perks.check_in where decide_time < $1 order by decide_time limit $3)
            union
            (select property, stay from perks.check_in
            where person_id is null and decide_time < $2 order by decide_time limit $3)
        ) as old
        where told.property = old.property and told.stay = old.stay
            and (told.decide_time < $1 or (told.person_id is null and told.decide_time < $2))
        "#,
        before,
        of_nobody_before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Withdraws an attempt that came too late, unless another call has told it meanwhile; or, with `is_ended`, one by which
/// nobody has anything any more. Returns whether it was withdrawn.
#[instrument(name = "db.check_in.withdraw", skip_all)]
pub(crate) async fn withdraw(
    db: impl PgExecutor<'_>,
    property: &str,
    stay: &str,
    attempt: i64,
    is_ended: bool,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update perks.check_in set state = 'WITHDRAWN'
        where property = $1 and stay = $2 and attempt = $3 and state = 'DECIDED'
            and (not is_told_again or $4)
        "#,
        property,
        stay,
        attempt,
        is_ended,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
