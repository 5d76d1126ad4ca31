//! `perks.arrival`: guests who are expected, and what they could be offered.

use sqlx::PgExecutor;
use time::{Date, OffsetDateTime};
use tracing::instrument;

/// A guest who is expected.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arrival {
    pub(crate) stay: String,
    pub(crate) person: Option<i64>,
    /// Tells the guest from others.
    pub(crate) guest: Vec<u8>,
    pub(crate) booked_category: String,
    pub(crate) is_offer: bool,
    pub(crate) reason: String,
    /// Best first.
    pub(crate) categories: Vec<String>,
    pub(crate) line: String,
    pub(crate) disclosure: String,
    pub(crate) campaign: Option<i64>,
    /// A klout.perk.v1.Facts.
    pub(crate) facts: Option<Vec<u8>>,
    pub(crate) mark_time: OffsetDateTime,
}

/// Of whom a stay was marked, and what was known of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) person: i64,
    pub(crate) guest: Vec<u8>,
    pub(crate) facts: Vec<u8>,
}

/// Between the categories of an arrival on their way to Postgres, whose arrays of arrays are all of one length. Stands in
/// no name of a category.
const SEPARATOR: &str = "\u{1f}";

/// Marks stays, in the place of what was marked of them for that day.
#[instrument(name = "db.arrival.mark", skip_all, fields(arrivals.len = arrivals.len()))]
pub(crate) async fn mark(
    db: impl PgExecutor<'_>,
    property: &str,
    day: Date,
    arrivals: &[Arrival],
) -> Result<u64, sqlx::Error> {
    let texts = |of: fn(&Arrival) -> &str| arrivals.iter().map(of).collect::<Vec<&str>>();
    let people: Vec<_> = arrivals.iter().map(|it| it.person).collect();
    let campaigns: Vec<_> = arrivals.iter().map(|it| it.campaign).collect();
    let facts: Vec<_> = arrivals.iter().map(|it| it.facts.as_deref()).collect();
    let categories: Vec<_> = arrivals.iter().map(|it| it.categories.join(SEPARATOR)).collect();
    let guests: Vec<_> = arrivals.iter().map(|it| it.guest.as_slice()).collect();
    let times: Vec<_> = arrivals.iter().map(|it| it.mark_time).collect();
    let done = sqlx::query!(
        r#"
        insert into perks.arrival
            (property, arrival_day, stay, person_id, booked_category, outcome, reason, categories, line, disclosure,
            campaign_id, facts, mark_time, guest)
        select $1, $2, stay, person_id, booked_category, outcome, reason, string_to_array(categories, chr(31)), line,
            disclosure, campaign_id, facts, mark_time, guest
        from unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
            $11::bigint[], $12::bytea[], $13::timestamptz[], $14::bytea[])
            as new (stay, person_id, booked_category, outcome, reason, categories, line, disclosure, campaign_id, facts,
            mark_time, guest)
        on conflict on constraint arrival_pkey do update
        set person_id = excluded.person_id, booked_category = excluded.booked_category, outcome = excluded.outcome,
            reason = excluded.reason, categories = excluded.categories, line = excluded.line,
            disclosure = excluded.disclosure, campaign_id = excluded.campaign_id, facts = excluded.facts,
            mark_time = excluded.mark_time, guest = excluded.guest
        "#,
        property,
        day,
        &texts(|it| &it.stay) as &[&str],
        &people as &[Option<i64>],
        &texts(|it| &it.booked_category) as &[&str],
        &texts(|it| if it.is_offer { "OFFER" } else { "NO_OFFER" }) as &[&str],
        &texts(|it| &it.reason) as &[&str],
        &categories,
        &texts(|it| &it.line) as &[&str],
        &texts(|it| &it.disclosure) as &[&str],
        &campaigns as &[Option<i64>],
        &facts as &[Option<&[u8]>],
        &times,
        &guests as &[&[u8]],
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// A page of a day by stay, after one.
#[instrument(name = "db.arrival.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    property: &str,
    day: Date,
    after: &str,
    limit: i64,
) -> Result<Vec<Arrival>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select stay, person_id, booked_category, outcome, reason, categories, line, disclosure, campaign_id, mark_time
        from perks.arrival
        where property = $1 and arrival_day = $2 and stay > $3
        order by stay
        limit $4
        "#,
        property,
        day,
        after,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|it| Arrival {
            stay: it.stay,
            person: it.person_id,
            guest: Vec::new(),
            booked_category: it.booked_category,
            is_offer: it.outcome == "OFFER",
            reason: it.reason,
            categories: it.categories,
            line: it.line,
            disclosure: it.disclosure,
            campaign: it.campaign_id,
            facts: None,
            mark_time: it.mark_time,
        })
        .collect())
}

/// How many stays of a day are marked.
#[instrument(name = "db.arrival.count", skip_all)]
pub(crate) async fn count(
    db: impl PgExecutor<'_>,
    property: &str,
    day: Date,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from perks.arrival where property = $1 and arrival_day = $2"#,
        property,
        day,
    )
    .fetch_one(db)
    .await
}

/// The newest mark of a stay since a time: who is expected, what tells the guest from others, and what was known of them.
/// `None`: there is none, or nobody was found.
#[instrument(name = "db.arrival.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    property: &str,
    stay: &str,
    since: OffsetDateTime,
) -> Result<Option<Mark>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select person_id, guest, facts
        from perks.arrival
        where property = $1 and stay = $2 and mark_time > $3
        order by mark_time desc
        limit 1
        "#,
        property,
        stay,
        since,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.and_then(|it| Some(Mark { person: it.person_id?, guest: it.guest, facts: it.facts? })))
}

/// Deletes at most so many that arrived before a day. Returns how many.
#[instrument(name = "db.arrival.sweep", skip_all)]
pub(crate) async fn sweep(
    db: impl PgExecutor<'_>,
    before: Date,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        delete from perks.arrival as arrival
        using (
            select property, arrival_day, stay from perks.arrival
            where arrival_day < $1 order by arrival_day limit $2 for update skip locked
        ) as old
        where arrival.property = old.property and arrival.arrival_day = old.arrival_day and arrival.stay = old.stay
        "#,
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
