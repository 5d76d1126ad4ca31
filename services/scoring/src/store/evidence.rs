//! `scoring.evidence` and `evidence_delta`: what scores are made of, packed.

use std::collections::BTreeMap;

use klout_score_engine::{Block, packed};
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

use crate::batch::OfAccount;

/// An account of somebody, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct OwnAccount {
    pub(crate) account: i64,
    pub(crate) person: i64,
    pub(crate) network: String,
    /// Its block, or a change beside it: there is a row for each, and one without when there is nothing.
    pub(crate) evidence: Option<Vec<u8>>,
}

/// An account's evidence that is to be put together.
#[derive(Clone, Debug)]
pub(crate) struct Unfolded {
    pub(crate) account: i64,
    /// `None`: it is the block.
    pub(crate) position: Option<i64>,
    pub(crate) evidence: Vec<u8>,
    pub(crate) tallies: Option<Vec<u8>>,
}

/// A new block.
#[derive(Clone, Debug)]
pub(crate) struct Folded {
    pub(crate) account: i64,
    pub(crate) first_day: i32,
    pub(crate) evidence: Vec<u8>,
    pub(crate) tallies: Option<Vec<u8>>,
}

/// Every packed row, for [`klout_store::copy_out`]: account, evidence.
pub(crate) const COPY_ALL: &str = "copy (
        select account_id, evidence from scoring.evidence
        union all
        select account_id, evidence from scoring.evidence_delta
    ) to stdout (format binary)";

/// Adds a change of each of these accounts.
#[instrument(name = "db.evidence_delta.append", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn append(
    db: &mut PgConnection,
    accounts: &BTreeMap<i64, OfAccount>,
) -> Result<(), sqlx::Error> {
    let changed =
        || accounts.iter().filter(|(_, it)| !it.evidence.is_empty() || !it.tallies.is_empty());
    let ids: Vec<_> = changed().map(|(account, _)| *account).collect();
    let evidence: Vec<_> = changed().map(|(_, it)| it.evidence.pack()).collect();
    let tallies: Vec<_> = changed()
        .map(|(_, it)| (!it.tallies.is_empty()).then(|| packed::pack_tallies(&it.tallies)))
        .collect();
    sqlx::query!(
        r#"
        insert into scoring.evidence_delta (account_id, evidence, tallies)
        select * from unnest($1::bigint[], $2::bytea[], $3::bytea[])
        "#,
        &ids,
        &evidence,
        &tallies as &[Option<Vec<u8>>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The accounts of these people, with everything that is known of them, all of one moment.
#[instrument(name = "db.evidence.of_people", skip_all, fields(people.len = people.len()))]
pub(crate) async fn of_people(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<OwnAccount>, sqlx::Error> {
    sqlx::query_as!(
        OwnAccount,
        r#"
        select account.account_id as account, account.person_id as "person!", account.network,
            part.evidence as "evidence?"
        from scoring.account as account
        left join lateral (
            select evidence from scoring.evidence as block
            where block.account_id = account.account_id
            union all
            select evidence from scoring.evidence_delta as delta
            where delta.account_id = account.account_id
        ) as part on true
        where account.person_id = any($1)
        "#,
        people,
    )
    .fetch_all(db)
    .await
}

/// What of the cells of these accounts belongs to which post, packed.
#[instrument(name = "db.evidence.tallies", skip_all)]
pub(crate) async fn tallies(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
) -> Result<Vec<Block<Vec<u8>>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select account_id as "account!", tallies as "tallies!"
        from scoring.evidence
        where account_id = any($1) and tallies is not null
        union all
        select account_id, tallies
        from scoring.evidence_delta
        where account_id = any($1) and tallies is not null
        "#,
        accounts,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| Block { account: row.account, bytes: row.tallies }).collect())
}

/// The accounts with so many changes or more beside their blocks.
#[instrument(name = "db.evidence_delta.most_changed", skip_all)]
pub(crate) async fn most_changed(
    db: impl PgExecutor<'_>,
    changes_min: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select account_id
        from scoring.evidence_delta
        group by account_id
        having count(*) >= $1
        "#,
        changes_min,
    )
    .fetch_all(db)
    .await
}

/// Up to `max` accounts of whom something is of a day before `first`.
#[instrument(name = "db.evidence.out_of_window", skip_all)]
pub(crate) async fn out_of_window(
    db: impl PgExecutor<'_>,
    first: i32,
    max: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select account_id from scoring.evidence where first_day < $1 order by first_day limit $2",
        first,
        max,
    )
    .fetch_all(db)
    .await
}

/// The UTC day of Postgres' clock, since 1970.
#[instrument(name = "db.evidence.today", skip_all)]
pub(crate) async fn today(db: impl PgExecutor<'_>) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(r#"select floor(extract(epoch from now()) / 86400)::integer as "today!""#)
        .fetch_one(db)
        .await
}

/// What tells this lock from others of the database: "fold".
const FOLD_LOCK: i64 = 0x666f_6c64;

/// Lets nobody else put evidence together until the transaction ends. `false`: somebody does.
#[instrument(name = "db.evidence.try_lock_folds", skip_all)]
pub(crate) async fn try_lock_folds(db: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "locked!""#, FOLD_LOCK)
        .fetch_one(db)
        .await
}

/// The same, after those that are under way.
#[instrument(name = "db.evidence.lock_folds", skip_all)]
pub(crate) async fn lock_folds(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"select pg_advisory_xact_lock($1) as "locked!: ()""#, FOLD_LOCK)
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Blocks and changes of these accounts, all of one moment.
#[instrument(name = "db.evidence.unfolded", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn unfolded(
    db: &mut PgConnection,
    accounts: &[i64],
) -> Result<Vec<Unfolded>, sqlx::Error> {
    sqlx::query_as!(
        Unfolded,
        r#"
        select account_id as "account!", null::bigint as "position?", evidence as "evidence!",
            tallies as "tallies?"
        from scoring.evidence
        where account_id = any($1)
        union all
        select account_id, position, evidence, tallies
        from scoring.evidence_delta
        where account_id = any($1)
        "#,
        accounts,
    )
    .fetch_all(db)
    .await
}

/// Puts new blocks in the place of what was read for them. Nobody sees one without the other.
#[instrument(name = "db.evidence.fold", skip_all, fields(blocks.len = blocks.len()))]
pub(crate) async fn fold(
    db: &mut PgConnection,
    blocks: &[Folded],
    gone: &[i64],
    read: &[(i64, i64)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = blocks.iter().map(|it| it.account).collect();
    let days: Vec<_> = blocks.iter().map(|it| it.first_day).collect();
    let evidence: Vec<_> = blocks.iter().map(|it| it.evidence.as_slice()).collect();
    let tallies: Vec<_> = blocks.iter().map(|it| it.tallies.as_deref()).collect();
    let (accounts, positions): (Vec<_>, Vec<_>) = read.iter().copied().unzip();
    sqlx::query!(
        r#"
        with gone as (delete from scoring.evidence where account_id = any($5)),
        added as (
            delete from scoring.evidence_delta as delta
            using unnest($6::bigint[], $7::bigint[]) as read (account_id, position)
            where delta.account_id = read.account_id and delta.position = read.position
        )
        insert into scoring.evidence (account_id, first_day, evidence, tallies)
        select * from unnest($1::bigint[], $2::integer[], $3::bytea[], $4::bytea[])
        on conflict on constraint evidence_pkey do update
        set first_day = excluded.first_day, evidence = excluded.evidence,
            tallies = excluded.tallies
        "#,
        &ids,
        &days,
        &evidence as &[&[u8]],
        &tallies as &[Option<&[u8]>],
        gone,
        &accounts,
        &positions,
    )
    .execute(db)
    .await?;
    Ok(())
}
