//! `topics.account`: who owns what evidence is about.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use klout_proto::graph::v1::Membership;
use klout_store::interval;
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// Who owns an account, and since which revision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) person: Option<i64>,
    pub(crate) revision: u64,
}

/// An account of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) account: i64,
    pub(crate) network: String,
    pub(crate) person: i64,
}

/// Adds accounts that are not there, as strangers; those of which nothing was left wait again. Of all others nothing
/// is written, so that batches that are about the same accounts do not wait for each other.
#[instrument(name = "db.account.add", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn add(
    db: &mut PgConnection,
    accounts: &BTreeMap<i64, String>,
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = accounts.keys().copied().collect();
    let networks: Vec<_> = accounts.values().map(String::as_str).collect();
    sqlx::query!(
        r#"
        insert into topics.account (account_id, network)
        select * from unnest($1::bigint[], $2::text[])
        on conflict on constraint account_pkey do nothing
        "#,
        &ids,
        &networks as &[&str],
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        with left_behind as (
            select account_id
            from topics.account
            where account_id = any($1) and waiting_since = 'infinity'
            order by account_id
            for update
        )
        update topics.account as account
        set waiting_since = now()
        from left_behind
        where account.account_id = left_behind.account_id
        "#,
        &ids,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The owners of these accounts, by account; of those that are there and can keep evidence. They stay as they are
/// until the transaction ends.
#[instrument(name = "db.account.owners_shared", skip_all)]
pub(crate) async fn owners_shared(
    db: &mut PgConnection,
    accounts: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, Option<i64>>, sqlx::Error> {
    let ids: Vec<_> = accounts.iter().copied().collect();
    let owners = sqlx::query!(
        r#"
        select account_id, person_id, waiting_since = 'infinity' as "left_behind!"
        from topics.account
        where account_id = any($1)
        order by account_id
        for share
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let there = owners.into_iter().filter(|it| !it.left_behind);
    Ok(there.map(|it| (it.account_id, it.person_id)).collect())
}

/// The owners of these accounts, which nobody else changes or reads until the transaction ends.
#[instrument(name = "db.account.owners_locked", skip_all)]
pub(crate) async fn owners_locked(
    db: &mut PgConnection,
    accounts: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, Owner>, sqlx::Error> {
    let ids: Vec<_> = accounts.iter().copied().collect();
    let rows = sqlx::query!(
        r#"
        select account_id, person_id, revision
        from topics.account
        where account_id = any($1)
        order by account_id
        for update
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let owner = |person, revision: i64| Owner { person, revision: revision.cast_unsigned() };
    Ok(rows.into_iter().map(|row| (row.account_id, owner(row.person_id, row.revision))).collect())
}

/// Writes new owners of accounts whose rows are locked. What nobody owns any more waits.
#[instrument(name = "db.account.renew_owners", skip_all)]
pub(crate) async fn renew_owners(
    db: &mut PgConnection,
    memberships: &[&Membership],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = memberships.iter().map(|it| it.account_id).collect();
    let people: Vec<_> = memberships.iter().map(|it| it.person_id).collect();
    let revisions: Vec<_> = memberships.iter().map(|it| it.revision.cast_signed()).collect();
    let networks: Vec<_> = memberships.iter().map(|it| it.network.as_str()).collect();
    let countries: Vec<_> = memberships.iter().map(|it| it.country.as_str()).collect();
    let cities: Vec<_> = memberships.iter().map(|it| it.city.as_str()).collect();
    sqlx::query!(
        r#"
        update topics.account as account
        set person_id = nullif(new.person_id, 0), revision = new.revision, network = new.network,
            country = new.country, city = new.city, waiting_since = now()
        from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[])
            as new (account_id, person_id, revision, network, country, city)
        where account.account_id = new.account_id and account.revision < new.revision
        "#,
        &ids,
        &people,
        &revisions,
        &networks as &[&str],
        &countries as &[&str],
        &cities as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All accounts of these people.
#[instrument(name = "db.account.of_people", skip_all, fields(people.len = people.len()))]
pub(crate) async fn of_people(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<Account>, sqlx::Error> {
    sqlx::query_as!(
        Account,
        r#"
        select account_id as account, network, person_id as "person!"
        from topics.account
        where person_id = any($1)
        order by account_id
        "#,
        people,
    )
    .fetch_all(db)
    .await
}

/// Whether the person owns any account.
#[instrument(name = "db.account.any_of", skip_all)]
pub(crate) async fn any_of(db: impl PgExecutor<'_>, person: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from topics.account where person_id = $1) as "any!""#,
        person,
    )
    .fetch_one(db)
    .await
}

/// Adds up to `max` accounts that are not there and yet have posts, as a process of the version before leaves them:
/// such as are said to be owned, and such as have waited for `time`. They are asked about at once.
#[instrument(name = "db.account.add_missing", skip_all)]
pub(crate) async fn add_missing(
    db: impl PgExecutor<'_>,
    time: Duration,
    max: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into topics.account (account_id, network, waiting_since)
        select account_id, '', '-infinity'::timestamptz
        from (
            select account_id from topics.post where owned and read_generation = 0
            union
            select account_id from topics.post where not owned and take_time <= now() - $1::interval
        ) as posts
        where not exists (
            select from topics.account where account.account_id = posts.account_id
        )
        order by account_id
        limit $2
        on conflict on constraint account_pkey do nothing
        "#,
        interval(time),
        max,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Up to `max` accounts with evidence that have waited for an owner for `time`.
#[instrument(name = "db.account.waiting", skip_all)]
pub(crate) async fn waiting(
    db: impl PgExecutor<'_>,
    time: Duration,
    max: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select account_id
        from topics.account
        where person_id is null and waiting_since <= now() - $1::interval
        order by waiting_since
        limit $2
        "#,
        interval(time),
        max,
    )
    .fetch_all(db)
    .await
}

/// How many accounts wait for an owner.
#[instrument(name = "db.account.count_waiting", skip_all)]
pub(crate) async fn count_waiting(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from topics.account
        where person_id is null and waiting_since < 'infinity'
        "#
    )
    .fetch_one(db)
    .await
}

/// The accounts of these that still nobody owns, which nobody else changes or adds evidence to until the
/// transaction ends.
#[instrument(name = "db.account.strangers_locked", skip_all)]
pub(crate) async fn strangers_locked(
    db: &mut PgConnection,
    accounts: &[i64],
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select account_id
        from topics.account
        where account_id = any($1) and person_id is null
        order by account_id
        for update
        "#,
        accounts,
    )
    .fetch_all(db)
    .await
}

/// Forgets locked accounts of strangers, but for those with evidence that has not waited long enough: these go
/// on waiting since its first. Of those that somebody owned the revision stays at which they left, so that
/// nobody is told late who owned them before.
#[instrument(name = "db.account.drop_strangers", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn drop_strangers(
    db: &mut PgConnection,
    accounts: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with first as (
            select account_id, min(take_time) as take_time
            from (
                select account_id, take_time from topics.post where account_id = any($1)
                union all
                select account_id, take_time from topics.reaction where account_id = any($1)
                union all
                select account_id, take_time from topics.label where account_id = any($1)
            ) as kept
            group by account_id
        ),
        waits as (
            update topics.account as account
            set waiting_since = first.take_time
            from first
            where account.account_id = first.account_id
        ),
        left_behind as (
            update topics.account as account
            set waiting_since = 'infinity', country = '', city = ''
            where account_id = any($1) and revision > 0
                and account_id not in (select account_id from first)
        )
        delete from topics.account
        where account_id = any($1) and revision = 0
            and account_id not in (select account_id from first)
        "#,
        accounts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Has those of these accounts that nobody owns wait from now on.
#[instrument(name = "db.account.wait_again", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn wait_again(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update topics.account set waiting_since = now()
        where account_id = any($1) and person_id is null
        "#,
        accounts,
    )
    .execute(db)
    .await?;
    Ok(())
}
