//! `connector.person_state` and `erased_account`: of whom nothing is taken in.

use std::collections::{BTreeMap, HashMap};

use klout_proto::people::{Erased, Known, Told};
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// Takes over states that are newer than those that are here, but of who was erased, which is for good. Returns whose
/// they are.
#[instrument(name = "db.person_state.renew", skip_all, fields(states.len = told.len()))]
pub(crate) async fn renew(db: &mut PgConnection, told: &[Told]) -> Result<Vec<i64>, sqlx::Error> {
    let people: Vec<_> = told.iter().map(|it| it.person).collect();
    let numbers: Vec<_> = told.iter().map(|it| it.number).collect();
    let states: Vec<_> = told.iter().map(|it| it.state.as_str()).collect();
    sqlx::query_scalar!(
        r#"
        insert into connector.person_state as state (person_id, number, state)
        select * from unnest($1::bigint[], $2::bigint[], $3::text[])
        on conflict on constraint person_state_pkey do update
        set number = excluded.number, state = excluded.state
        where state.number < excluded.number
            and (state.state <> 'ERASED' or excluded.state = 'ERASED')
        returning person_id
        "#,
        &people,
        &numbers,
        &states as &[&str],
    )
    .fetch_all(db)
    .await
}

/// What is known of these people.
#[instrument(name = "db.person_state.known", skip_all, fields(people.len = people.len()))]
pub(crate) async fn known(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<Known>, sqlx::Error> {
    sqlx::query_as!(
        Known,
        r#"
        select person_id as person, number, state
        from connector.person_state
        where person_id = any($1)
        "#,
        people,
    )
    .fetch_all(db)
    .await
}

/// The highest number that was told; 0: none was.
#[instrument(name = "db.person_state.newest", skip_all)]
pub(crate) async fn newest(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select coalesce(max(number), 0) as "newest!" from connector.person_state"#
    )
    .fetch_one(db)
    .await
}

/// Keeps accounts from being erased until the transaction ends.
#[instrument(name = "db.erased_account.share_lock", skip_all)]
pub(crate) async fn share_erased(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table connector.erased_account in row exclusive mode").execute(db).await?;
    Ok(())
}

/// Waits until nobody takes signals in, and keeps them waiting until the transaction ends.
#[instrument(name = "db.erased_account.lock", skip_all)]
pub(crate) async fn lock_erased(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table connector.erased_account in share row exclusive mode")
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that accounts were erased, each of them once.
#[instrument(name = "db.erased_account.renew", skip_all, fields(accounts.len = erased.len()))]
pub(crate) async fn renew_erased(
    db: &mut PgConnection,
    erased: &BTreeMap<i64, Erased>,
) -> Result<(), sqlx::Error> {
    let accounts: Vec<_> = erased.keys().copied().collect();
    let days: Vec<_> = erased.values().map(|it| it.through_day).collect();
    sqlx::query!(
        r#"
        insert into connector.erased_account (account_id, through_day)
        select * from unnest($1::bigint[], $2::integer[])
        on conflict on constraint erased_account_pkey do update
        set through_day = excluded.through_day
        "#,
        &accounts,
        &days as &[Option<i32>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which of these accounts were erased.
#[instrument(name = "db.erased_account.find", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn erased(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
) -> Result<HashMap<i64, Erased>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Erased,
        r#"
        select account_id as account, through_day
        from connector.erased_account
        where account_id = any($1)
        "#,
        accounts,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.account, it)).collect())
}
