//! `scoring.forgetting` and `forgetting_hand`: whose deeds are being taken out of other people's evidence.

use std::collections::HashMap;

use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// How far the hand has come that goes through all evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hand {
    /// How often it was all of it.
    pub(crate) lap: i64,
    /// Up to and with that account.
    pub(crate) hand: i64,
}

/// What was taken out of somebody's evidence.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TakenOut {
    pub(crate) cells: i64,
    pub(crate) given: i64,
}

/// How far a person is forgotten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) done: bool,
    pub(crate) cells: i64,
    pub(crate) given: i64,
}

/// Where the hand stands; nobody else moves it until the transaction ends.
#[instrument(name = "db.forgetting_hand.lock", skip_all)]
pub(crate) async fn lock_hand(db: &mut PgConnection) -> Result<Hand, sqlx::Error> {
    sqlx::query_as!(Hand, "select lap, hand from scoring.forgetting_hand for update")
        .fetch_one(db)
        .await
}

#[instrument(name = "db.forgetting_hand.move", skip_all)]
pub(crate) async fn move_hand(db: &mut PgConnection, to: Hand) -> Result<(), sqlx::Error> {
    sqlx::query!("update scoring.forgetting_hand set lap = $1, hand = $2", to.lap, to.hand)
        .execute(db)
        .await?;
    Ok(())
}

/// Has evidence gone through for these accounts from where the hand stands, unless it is already.
#[instrument(name = "db.forgetting.add", skip_all)]
pub(crate) async fn add(
    db: &mut PgConnection,
    person: i64,
    accounts: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into scoring.forgetting (account_id, person_id, since_lap, since_hand)
        select account_id, $1, lap, hand
        from unnest($2::bigint[]) as asked (account_id), scoring.forgetting_hand
        on conflict on constraint forgetting_pkey do nothing
        "#,
        person,
        accounts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// For whom evidence is gone through, and up to which day (since 1970) what they did goes; `None`: all of it.
#[instrument(name = "db.forgetting.pending", skip_all)]
pub(crate) async fn pending(
    db: impl PgExecutor<'_>,
) -> Result<HashMap<i64, Option<i32>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select account_id as "account_id!", through_day as "through_day?"
        from scoring.forgetting
        left join scoring.erased_account using (account_id)
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.account_id, it.through_day)).collect())
}

/// The next `max` accounts after one of whom there is evidence.
#[instrument(name = "db.evidence.next_accounts", skip_all)]
pub(crate) async fn next_accounts(
    db: impl PgExecutor<'_>,
    after: i64,
    max: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select account_id as "account_id!"
        from (
            (
                select account_id from scoring.evidence
                where account_id > $1 order by account_id limit $2
            )
            union
            (
                select distinct account_id from scoring.evidence_delta
                where account_id > $1 order by account_id limit $2
            )
        ) as next
        order by account_id
        limit $2
        "#,
        after,
        max,
    )
    .fetch_all(db)
    .await
}

/// Notes what was taken out.
#[instrument(name = "db.forgetting.count", skip_all)]
pub(crate) async fn count(
    db: &mut PgConnection,
    taken: &HashMap<i64, TakenOut>,
) -> Result<(), sqlx::Error> {
    let accounts: Vec<_> = taken.keys().copied().collect();
    let cells: Vec<_> = taken.values().map(|it| it.cells).collect();
    let given: Vec<_> = taken.values().map(|it| it.given).collect();
    sqlx::query!(
        r#"
        update scoring.forgetting as forgetting
        set cells = forgetting.cells + taken.cells, given = forgetting.given + taken.given
        from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as taken (account_id, cells, given)
        where forgetting.account_id = taken.account_id
        "#,
        &accounts,
        &cells,
        &given,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the hand has come round for all accounts of a person, and what was taken out.
#[instrument(name = "db.forgetting.progress", skip_all)]
pub(crate) async fn progress(
    db: impl PgExecutor<'_>,
    person: i64,
) -> Result<Progress, sqlx::Error> {
    sqlx::query_as!(
        Progress,
        r#"
        select coalesce(bool_and((lap, hand) >= (since_lap + 1, since_hand)), true) as "done!",
            coalesce(sum(cells), 0)::bigint as "cells!", coalesce(sum(given), 0)::bigint as "given!"
        from scoring.forgetting, scoring.forgetting_hand
        where person_id = $1
        "#,
        person,
    )
    .fetch_one(db)
    .await
}

/// Notes that it is done.
#[instrument(name = "db.forgetting.remove", skip_all)]
pub(crate) async fn remove(db: &mut PgConnection, person: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from scoring.forgetting where person_id = $1", person).execute(db).await?;
    Ok(())
}

/// Deletes all evidence about these accounts. Returns how many rows that was.
#[instrument(name = "db.evidence.remove", skip_all)]
pub(crate) async fn remove_evidence(
    db: &mut PgConnection,
    accounts: &[i64],
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with blocks as (
            delete from scoring.evidence where account_id = any($1) returning 1
        ),
        changes as (
            delete from scoring.evidence_delta where account_id = any($1) returning 1
        ),
        gaps as (delete from scoring.evidence_gap where account_id = any($1))
        select (select count(*) from blocks) + (select count(*) from changes) as "rows!"
        "#,
        accounts,
    )
    .fetch_one(db)
    .await
}

/// Deletes findings about a person and these accounts. Returns how many there were.
#[instrument(name = "db.finding.remove", skip_all)]
pub(crate) async fn remove_findings(
    db: &mut PgConnection,
    person: i64,
    accounts: &[i64],
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from scoring.finding where person_id = $1 or account_id = any($2)",
        person,
        accounts,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Notes accounts out of whose evidence something was taken, and puts their owners on the list of the dirty.
#[instrument(name = "db.evidence_gap.add", skip_all)]
pub(crate) async fn add_gaps(db: &mut PgConnection, accounts: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with gaps as (
            insert into scoring.evidence_gap (account_id) select * from unnest($1::bigint[])
            on conflict on constraint evidence_gap_pkey do nothing
        )
        insert into scoring.dirty_person (person_id)
        select distinct person_id from scoring.account
        where account_id = any($1) and person_id is not null
        "#,
        accounts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether something was taken out of the evidence about any of these accounts.
#[instrument(name = "db.evidence_gap.any", skip_all)]
pub(crate) async fn any_gap(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (select from scoring.evidence_gap where account_id = any($1)) as "any!"
        "#,
        accounts,
    )
    .fetch_one(db)
    .await
}
