//! What the tables hold about one person, row by row as JSON.

use sqlx::PgExecutor;
use tracing::instrument;

/// Rows of a table, for a person and accounts: all such statements have the same two parameters.
macro_rules! rows {
    ($name:ident, $span:literal, $sql:literal) => {
        #[instrument(name = $span, skip_all)]
        pub(crate) async fn $name(
            db: impl PgExecutor<'_>,
            person: i64,
            accounts: &[i64],
        ) -> Result<Vec<String>, sqlx::Error> {
            sqlx::query_scalar!($sql, person, accounts).fetch_all(db).await
        }
    };
}

rows!(
    state,
    "db.person_state.describe",
    r#"
    select to_jsonb(it)::text as "json!" from scoring.person_state as it
    where person_id = $1 or (person_id = any($2) and false)
    "#
);
rows!(
    scores,
    "db.score.describe",
    r#"
    select to_jsonb(it)::text as "json!" from scoring.score as it
    where person_id = $1 or (person_id = any($2) and false)
    "#
);
rows!(
    history,
    "db.history.describe",
    r#"
    select to_jsonb(it)::text as "json!" from scoring.history as it
    where person_id = $1 or (person_id = any($2) and false)
    order by day, model
    "#
);
rows!(
    shadow_scores,
    "db.shadow_score.describe",
    r#"
    select to_jsonb(it)::text as "json!" from scoring.shadow_score as it
    where person_id = $1 or (person_id = any($2) and false)
    "#
);
rows!(
    accounts,
    "db.account.describe",
    r#"
    select (to_jsonb(it) - 'owned_since')::text as "json!" from scoring.account as it
    where person_id = $1 or account_id = any($2)
    order by account_id
    "#
);
rows!(
    findings,
    "db.finding.describe",
    r#"
    select to_jsonb(it)::text as "json!" from scoring.finding as it
    where person_id = $1 or account_id = any($2)
    order by finding_id
    "#
);
rows!(
    contests,
    "db.contest.describe",
    r#"
    select (to_jsonb(it) - 'explanation')::text as "json!" from scoring.contest as it
    where person_id = $1 or (person_id = any($2) and false)
    order by contest_id
    "#
);
rows!(
    erased_accounts,
    "db.erased_account.describe",
    r#"
    select to_jsonb(it)::text as "json!" from scoring.erased_account as it
    where account_id = any($2) or (account_id = $1 and false)
    order by account_id
    "#
);
