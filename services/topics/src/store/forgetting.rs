//! What is deleted of people who left, some rows at a time.

use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// Deletes some of what is kept about accounts or by them: of one with which somebody joined again, what was before.
/// Returns how much that was.
macro_rules! delete_some {
    ($name:ident, $span:literal, $sql:literal) => {
        #[instrument(name = $span, skip_all)]
        pub(crate) async fn $name(
            db: impl PgExecutor<'_>,
            accounts: &[i64],
            max: i64,
        ) -> Result<u64, sqlx::Error> {
            let done = sqlx::query!($sql, accounts, max).execute(db).await?;
            Ok(done.rows_affected())
        }
    };
}

delete_some!(
    posts,
    "db.post.forget",
    r#"
    delete from topics.post
    where (account_id, post_hash, signal) in (
        select account_id, post_hash, signal from topics.post
        left join topics.erased_account using (account_id)
        where account_id = any($1) and day <= coalesce(through_day, day) limit $2
    )
    "#
);
delete_some!(
    post_topics,
    "db.post_topic.forget",
    r#"
    delete from topics.post_topic
    where (account_id, post_hash, signal, topic_id) in (
        select account_id, post_hash, signal, topic_id from topics.post_topic
        left join topics.post using (account_id, post_hash, signal)
        left join topics.erased_account using (account_id)
        where account_id = any($1) and coalesce(day <= through_day, true) limit $2
    )
    "#
);
delete_some!(
    reactions,
    "db.reaction.forget",
    r#"
    delete from topics.reaction
    where (account_id, post_hash, actor_id, kind, day) in (
        select account_id, post_hash, actor_id, kind, day from topics.reaction
        left join topics.erased_account using (account_id)
        where account_id = any($1) and day <= coalesce(through_day, day) limit $2
    )
    "#
);
delete_some!(
    labels,
    "db.label.forget",
    r#"
    delete from topics.label
    where (account_id, signal) in (
        select account_id, signal from topics.label
        left join topics.erased_account using (account_id)
        where account_id = any($1) and day <= coalesce(through_day, day) limit $2
    )
    "#
);
/// The same of what accounts of erased people did. Whose evidence that was is computed again.
macro_rules! delete_deeds {
    ($name:ident, $span:literal, $sql:literal) => {
        #[instrument(name = $span, skip_all)]
        pub(crate) async fn $name(
            db: impl PgExecutor<'_>,
            accounts: &[i64],
            max: i64,
        ) -> Result<u64, sqlx::Error> {
            let count = sqlx::query_scalar!($sql, accounts, max).fetch_one(db).await?;
            Ok(count.unsigned_abs())
        }
    };
}

delete_deeds!(
    reactions_by,
    "db.reaction.forget_by",
    r#"
    with gone as (
        delete from topics.reaction as reaction
        using (
            select reaction.account_id, reaction.post_hash, reaction.actor_id, reaction.kind,
                reaction.day
            from topics.reaction as reaction
            left join topics.erased_account as erased on erased.account_id = reaction.actor_id
            where reaction.actor_id = any($1) and reaction.actor_id <> 0
                and (erased.through_day is null or reaction.day <= erased.through_day)
            limit $2
        ) as old
        where reaction.account_id = old.account_id and reaction.post_hash = old.post_hash
            and reaction.actor_id = old.actor_id and reaction.kind = old.kind
            and reaction.day = old.day
        returning reaction.account_id
    ),
    dirty as (
        insert into topics.dirty_person (person_id)
        select distinct account.person_id
        from gone join topics.account as account using (account_id)
        where account.person_id is not null
    )
    select count(*) as "count!" from gone
    "#
);
delete_deeds!(
    labels_by,
    "db.label.forget_by",
    r#"
    with gone as (
        delete from topics.label as label
        using (
            select label.account_id, label.signal
            from topics.label as label
            left join topics.erased_account as erased on erased.account_id = label.actor_id
            where label.actor_id = any($1) and label.actor_id <> 0
                and (erased.through_day is null or label.day <= erased.through_day)
            limit $2
        ) as old
        where label.account_id = old.account_id and label.signal = old.signal
        returning label.account_id
    ),
    dirty as (
        insert into topics.dirty_person (person_id)
        select distinct account.person_id
        from gone join topics.account as account using (account_id)
        where account.person_id is not null
    )
    select count(*) as "count!" from gone
    "#
);
delete_some!(
    places,
    "db.account.forget_places",
    r#"
    update topics.account set country = '', city = ''
    where account_id in (
        select account_id from topics.account
        where account_id = any($1) and (country <> '' or city <> '') and not exists (
            select from topics.erased_account as erased
            where erased.account_id = account.account_id and erased.through_day is not null
        )
        limit $2
    )
    "#
);

/// Deletes the person, and what they said and others said of them if they left for good. Returns how much was declared,
/// and vetoed.
#[instrument(name = "db.person.forget", skip_all)]
pub(crate) async fn person(
    db: &mut PgConnection,
    person: i64,
    for_good: bool,
) -> Result<(i64, i64), sqlx::Error> {
    // Before the list is looked at: whoever gives a claim up puts the person on it.
    sqlx::query!("delete from topics.claim where person_id = $1", person).execute(&mut *db).await?;
    let row = sqlx::query!(
        r#"
        with declared as (delete from topics.declared where person_id = $1 and $2 returning 1),
        vetoed as (delete from topics.veto where person_id = $1 and $2 returning 1),
        dirty as (delete from topics.dirty_person where person_id = $1),
        topics as (delete from topics.person_topic where person_id = $1),
        named as (
            update topics.declared set influencers = array_remove(influencers, $1)
            where influencers @> array[$1] and person_id <> $1 and $2
        ),
        person as (delete from topics.person where person_id = $1)
        select (select count(*) from declared) as "declared!",
            (select count(*) from vetoed) as "vetoed!"
        "#,
        person,
        for_good,
    )
    .fetch_one(db)
    .await?;
    Ok((row.declared, row.vetoed))
}
