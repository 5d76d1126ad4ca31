//! `social_graph.erased_account`: of what nothing is taken in.

use std::collections::BTreeMap;

use klout_model::{AccountId, Day, PersonId};
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// Waits until nobody applies signals, and keeps them waiting until the transaction ends.
#[instrument(name = "db.erased_account.lock", skip_all)]
pub(crate) async fn lock(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table social_graph.erased_account in share row exclusive mode")
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps accounts from becoming erased until the transaction ends, as many others may too.
#[instrument(name = "db.erased_account.share_lock", skip_all)]
pub(crate) async fn share_lock(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table social_graph.erased_account in row exclusive mode")
        .execute(db)
        .await?;
    Ok(())
}

/// Adds all accounts of these people.
#[instrument(name = "db.erased_account.append", skip_all, fields(people.len = people.len()))]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
) -> Result<(), sqlx::Error> {
    let people: Vec<_> = people.iter().map(|person| person.get()).collect();
    sqlx::query!(
        r#"
        insert into social_graph.erased_account (account_id, person_id)
        select account_id, person_id from social_graph.account where person_id = any($1)
        order by account_id
        on conflict on constraint erased_account_pkey do update
        set person_id = excluded.person_id, through_day = null
        "#,
        &people,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds accounts of somebody as they were before a backup was restored.
#[instrument(name = "db.erased_account.replay", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn replay(
    db: impl PgExecutor<'_>,
    person: PersonId,
    accounts: &[(i64, Option<i32>)],
) -> Result<(), sqlx::Error> {
    let (accounts, days): (Vec<_>, Vec<_>) = accounts.iter().copied().unzip();
    sqlx::query!(
        r#"
        insert into social_graph.erased_account (account_id, person_id, through_day)
        select account_id, $1, through_day
        from unnest($2::bigint[], $3::integer[]) as new (account_id, through_day)
        order by account_id
        on conflict on constraint erased_account_pkey do update
        set person_id = excluded.person_id, through_day = excluded.through_day
        "#,
        person.get(),
        &accounts,
        &days as &[Option<i32>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Those of these accounts of which nothing is taken in, and up to which day; `None`: whatever the day.
#[instrument(name = "db.erased_account.among", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn among(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
) -> Result<BTreeMap<i64, Option<i32>>, sqlx::Error> {
    let rows = sqlx::query!(
        "select account_id, through_day from social_graph.erased_account where account_id = any($1)",
        accounts,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.account_id, row.through_day)).collect())
}

/// Whether somebody who was erased had one of these accounts, and nobody joined with it again.
#[instrument(name = "db.erased_account.any", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn any(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
) -> Result<bool, sqlx::Error> {
    let accounts: Vec<_> = accounts.iter().map(|account| account.0).collect();
    sqlx::query_scalar!(
        r#"
        select exists (
            select from social_graph.erased_account
            where account_id = any($1) and through_day is null
        ) as "any!"
        "#,
        &accounts,
    )
    .fetch_one(db)
    .await
}

/// Lets these accounts in again after `day`. Returns those that had been kept out, each with who was erased with it.
#[instrument(name = "db.erased_account.end", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn end(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
    day: Day,
) -> Result<Vec<(i64, PersonId)>, sqlx::Error> {
    let accounts: Vec<_> = accounts.iter().map(|account| account.0).collect();
    let rows = sqlx::query!(
        r#"
        update social_graph.erased_account
        set through_day = $2
        where account_id = any($1) and through_day is null
        returning account_id, person_id
        "#,
        &accounts,
        day.number(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.account_id, PersonId::new(row.person_id)?)))
        .collect())
}

/// The accounts that somebody had who was erased, and up to which day they were theirs; `None`: for ever.
#[instrument(name = "db.erased_account.of", skip_all)]
pub(crate) async fn of(
    db: impl PgExecutor<'_>,
    person: PersonId,
) -> Result<BTreeMap<i64, Option<i32>>, sqlx::Error> {
    let rows = sqlx::query!(
        "select account_id, through_day from social_graph.erased_account where person_id = $1",
        person.get(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.account_id, row.through_day)).collect())
}
