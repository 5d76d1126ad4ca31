//! What the tables hold about some accounts, a page of rows of a table at a time, as JSON.

use sqlx::PgExecutor;
use tracing::instrument;

/// The rows of a table about accounts, after so many of them.
macro_rules! rows {
    ($name:ident, $span:literal, $sql:literal) => {
        #[instrument(name = $span, skip_all)]
        pub(crate) async fn $name(
            db: impl PgExecutor<'_>,
            accounts: &[i64],
            after: i64,
            max: i64,
        ) -> Result<Vec<String>, sqlx::Error> {
            sqlx::query_scalar!($sql, accounts, after, max).fetch_all(db).await
        }
    };
}

rows!(
    connection,
    "db.connection.describe",
    r#"
    select to_jsonb(it)::text as "json!" from connector.connection as it
    where account_id = any($1)
    order by account_id
    offset $2 limit $3
    "#
);

// That there is access, and until when; what it is opens an account of theirs.
rows!(
    credential,
    "db.credential.describe",
    r#"
    select (to_jsonb(it) - 'sealed' - 'key_id')::text as "json!" from connector.credential as it
    where account_id = any($1)
    order by account_id
    offset $2 limit $3
    "#
);

rows!(
    task,
    "db.task.describe",
    r#"
    select to_jsonb(it)::text as "json!" from connector.task as it
    where account_id = any($1)
    order by account_id, task_id
    offset $2 limit $3
    "#
);

rows!(
    listed,
    "db.listed.describe",
    r#"
    select to_jsonb(it)::text as "json!" from connector.listed as it
    where account_id = any($1)
    order by account_id, listing, signal_id
    offset $2 limit $3
    "#
);

rows!(
    seen,
    "db.seen.describe",
    r#"
    select to_jsonb(it)::text as "json!" from connector.seen as it
    where account_id = any($1)
    order by account_id, item
    offset $2 limit $3
    "#
);

rows!(
    validator,
    "db.validator.describe",
    r#"
    select to_jsonb(it)::text as "json!" from connector.validator as it
    where account_id = any($1)
    order by account_id, address
    offset $2 limit $3
    "#
);

rows!(
    stream_record,
    "db.stream_record.describe",
    r#"
    select to_jsonb(it)::text as "json!" from connector.stream_record as it
    where actor_account_id = any($1)
    order by actor_account_id, record_id, part
    offset $2 limit $3
    "#
);
