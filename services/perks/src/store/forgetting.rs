//! What is deleted of somebody who left, so many rows of a table at a time. Grants and decisions stay, as they are the
//! accounts of a brand, and say of nobody whom they are about.

use sqlx::PgConnection;
use tracing::instrument;

/// How many rows there were.
macro_rules! forget {
    ($name:ident, $span:literal, $sql:literal) => {
        #[instrument(name = $span, skip_all)]
        pub(crate) async fn $name(
            db: &mut PgConnection,
            person: i64,
            max: i64,
        ) -> Result<u64, sqlx::Error> {
            let done = sqlx::query!($sql, person, max).execute(db).await?;
            Ok(done.rows_affected())
        }
    };
}

forget!(
    arrivals,
    "db.arrival.forget",
    r#"
    delete from perks.arrival
    where (property, arrival_day, stay) in (
        select property, arrival_day, stay from perks.arrival where person_id = $1 limit $2
    )
    "#
);

forget!(
    check_ins,
    "db.check_in.forget",
    r#"
    delete from perks.check_in
    where (property, stay) in (select property, stay from perks.check_in where person_id = $1 limit $2)
    "#
);

// From what it was decided.
forget!(
    facts,
    "db.decision.forget_facts",
    r#"
    update perks.decision set facts = null
    where (campaign_id, decision_id) in (
        select campaign_id, decision_id from perks.decision where person_id = $1 and facts is not null limit $2
    )
    "#
);

// Whoever repeats the request asks about somebody of whom nothing is known any more: no request has this fingerprint.
forget!(
    decisions,
    "db.decision.forget",
    r#"
    update perks.decision set person_id = null, facts = null, fingerprint = ''
    where (campaign_id, decision_id) in (
        select campaign_id, decision_id from perks.decision where person_id = $1 limit $2
    )
    "#
);

// Nobody can have the place of somebody of whom nothing is known any more.
forget!(
    grants,
    "db.grant.forget",
    r#"
    update perks.grant
    set person_id = null, why = '',
        unique_key = case
            when unique_key = 'person:' || $1::bigint then 'grant:' || grant_id
            else unique_key
        end
    where (campaign_id, grant_id) in (
        select campaign_id, grant_id from perks.grant where person_id = $1 limit $2
    )
    "#
);

forget!(
    budgets,
    "db.budget.forget",
    r#"
    delete from perks.budget
    where (campaign_id, kind, key) in (
        select campaign_id, kind, key from perks.budget where kind = 'PERSON' and key = $1::bigint::text limit $2
    )
    "#
);
