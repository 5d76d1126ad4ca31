//! What the tables hold about one person, a page of rows of a table at a time, as JSON.

use sqlx::PgExecutor;
use tracing::instrument;

/// The rows of a table about a person and accounts, after so many of them.
macro_rules! rows {
    ($name:ident, $span:literal, $sql:literal) => {
        #[instrument(name = $span, skip_all)]
        pub(crate) async fn $name(
            db: impl PgExecutor<'_>,
            person: i64,
            accounts: &[i64],
            after: i64,
            max: i64,
        ) -> Result<Vec<String>, sqlx::Error> {
            sqlx::query_scalar!($sql, person, accounts, after, max).fetch_all(db).await
        }
    };
}

rows!(
    person_state,
    "db.person_state.describe",
    r#"
    select to_jsonb(it)::text as "json!" from topics.person_state as it
    where person_id = $1 or (person_id = any($2) and false)
    order by person_id
    offset $3 limit $4
    "#
);

rows!(
    erased_account,
    "db.erased_account.describe",
    r#"
    select to_jsonb(it)::text as "json!" from topics.erased_account as it
    where account_id = any($2) or (account_id = $1 and false)
    order by account_id
    offset $3 limit $4
    "#
);

rows!(
    account,
    "db.account.describe",
    r#"
    select to_jsonb(it)::text as "json!" from topics.account as it
    where person_id = $1 or account_id = any($2)
    order by account_id
    offset $3 limit $4
    "#
);

rows!(
    person,
    "db.person.describe",
    r#"
    select to_jsonb(it)::text as "json!" from topics.person as it
    where person_id = $1 or (person_id = any($2) and false)
    order by person_id
    offset $3 limit $4
    "#
);

rows!(
    declared,
    "db.declared.describe",
    r#"
    select to_jsonb(it)::text as "json!" from topics.declared as it
    where person_id = $1 or (person_id = any($2) and false)
    order by topic_id
    offset $3 limit $4
    "#
);

rows!(
    veto,
    "db.veto.describe",
    r#"
    select to_jsonb(it)::text as "json!" from topics.veto as it
    where person_id = $1 or (person_id = any($2) and false)
    order by topic_id
    offset $3 limit $4
    "#
);

rows!(
    person_topic,
    "db.person_topic.describe",
    r#"
    select to_jsonb(it)::text as "json!" from topics.person_topic as it
    where person_id = $1 or (person_id = any($2) and false)
    order by topic_id, network
    offset $3 limit $4
    "#
);

rows!(
    post,
    "db.post.describe",
    r#"
    select to_jsonb(it)::text as "json!" from topics.post as it
    where account_id = any($2) or (account_id = $1 and false)
    order by account_id, post_hash, signal
    offset $3 limit $4
    "#
);

rows!(
    post_topic,
    "db.post_topic.describe",
    r#"
    select to_jsonb(it)::text as "json!" from topics.post_topic as it
    where account_id = any($2) or (account_id = $1 and false)
    order by account_id, post_hash, signal, topic_id
    offset $3 limit $4
    "#
);

rows!(
    reaction,
    "db.reaction.describe",
    r#"
    select to_jsonb(it)::text as "json!" from topics.reaction as it
    where (account_id = any($2) or actor_id = any($2)) or (account_id = $1 and false)
    order by account_id, post_hash, actor_id, kind, day
    offset $3 limit $4
    "#
);

rows!(
    label,
    "db.label.describe",
    r#"
    select to_jsonb(it)::text as "json!" from topics.label as it
    where (account_id = any($2) or actor_id = any($2)) or (account_id = $1 and false)
    order by account_id, signal
    offset $3 limit $4
    "#
);
