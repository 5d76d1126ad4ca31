//! What the tables hold about one person, a page of rows of a table at a time, as JSON.

use sqlx::PgExecutor;
use tracing::instrument;

/// The rows of a table about a person, after so many of them.
macro_rules! rows {
    ($name:ident, $span:literal, $sql:literal) => {
        #[instrument(name = $span, skip_all)]
        pub(crate) async fn $name(
            db: impl PgExecutor<'_>,
            person: i64,
            after: i64,
            max: i64,
        ) -> Result<Vec<String>, sqlx::Error> {
            sqlx::query_scalar!($sql, person, after, max).fetch_all(db).await
        }
    };
}

rows!(
    person_state,
    "db.person_state.describe",
    r#"
    select to_jsonb(it)::text as "json!" from perks.person_state as it
    where person_id = $1
    order by person_id
    offset $2 limit $3
    "#
);

rows!(
    grant,
    "db.grant.describe",
    r#"
    select to_jsonb(it)::text as "json!" from perks.grant as it
    where person_id = $1
    order by reserve_time, campaign_id, grant_id
    offset $2 limit $3
    "#
);

rows!(
    budget,
    "db.budget.describe",
    r#"
    select to_jsonb(it)::text as "json!" from perks.budget as it
    where kind = 'PERSON' and key = $1::bigint::text
    order by campaign_id
    offset $2 limit $3
    "#
);

rows!(
    check_in,
    "db.check_in.describe",
    r#"
    select (to_jsonb(it) - 'fingerprint')::text as "json!" from perks.check_in as it
    where person_id = $1
    order by decide_time, property, stay
    offset $2 limit $3
    "#
);

/// A row with facts that are a message, which whoever reads it puts in their place.
#[derive(Debug)]
pub(crate) struct WithFacts {
    pub(crate) json: String,
    pub(crate) facts: Option<Vec<u8>>,
}

#[instrument(name = "db.decision.describe", skip_all)]
pub(crate) async fn decision(
    db: impl PgExecutor<'_>,
    person: i64,
    after: i64,
    max: i64,
) -> Result<Vec<WithFacts>, sqlx::Error> {
    sqlx::query_as!(
        WithFacts,
        r#"
        select (to_jsonb(it) - 'fingerprint' - 'facts')::text as "json!", facts from perks.decision as it
        where person_id = $1
        order by decide_time, campaign_id, decision_id
        offset $2 limit $3
        "#,
        person,
        after,
        max,
    )
    .fetch_all(db)
    .await
}

#[instrument(name = "db.arrival.describe", skip_all)]
pub(crate) async fn arrival(
    db: impl PgExecutor<'_>,
    person: i64,
    after: i64,
    max: i64,
) -> Result<Vec<WithFacts>, sqlx::Error> {
    sqlx::query_as!(
        WithFacts,
        r#"
        select (to_jsonb(it) - 'facts')::text as "json!", facts from perks.arrival as it
        where person_id = $1
        order by arrival_day, property, stay
        offset $2 limit $3
        "#,
        person,
        after,
        max,
    )
    .fetch_all(db)
    .await
}
