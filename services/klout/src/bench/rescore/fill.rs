//! Makes evidence as it lies when everything was put together, and the same as one row a cell.

use std::collections::BTreeMap;

use klout_model::Kind;
use klout_score_engine::packed::{AccountEvidence, Cell};
use klout_world::Interactions;
use sqlx::PgConnection;

use crate::{
    bench::ground::{NETWORK, execute, today},
    exit::Failure,
};

/// The same rows every time.
const SEED: u64 = 2_008;
/// So many cells there are for each account.
const CELLS_EACH: u32 = 30;
/// One account of so many is a member's.
const MEMBERS: u32 = 3;
/// Accounts in one statement.
const ACCOUNTS_MAX: usize = 1_000;

/// What was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filled {
    pub(super) people: u32,
    /// Of packed evidence.
    pub(super) bytes: f64,
}

/// Fills an empty database of scoring with so many cells; those that are equal but for their count are one.
pub(super) async fn fill(connection: &mut PgConnection, cells: u32) -> Result<Filled, Failure> {
    let accounts = (cells / CELLS_EACH).max(MEMBERS);
    let mut rows: Vec<(u32, Cell)> = Interactions::new(SEED, accounts, cells.into())
        .map(|it| {
            let day = today().number() - i32::from(it.age);
            let (actor, count) = (Some(id(it.actor)), i64::from(it.count));
            (it.subject, Cell { actor, day, kind: it.kind, count, told: 1 })
        })
        .collect();
    rows.sort_by_key(|(subject, _)| *subject);

    for statement in [
        "begin",
        "create table bench_cell (
            subject_account_id bigint not null, actor_known boolean not null,
            actor_account_id bigint not null, kind smallint not null, day integer not null,
            count bigint not null
        )",
    ] {
        execute(connection, statement.to_owned()).await?;
    }
    let mut bytes = 0;
    let mut packed = BTreeMap::new();
    for of_account in rows.chunk_by(|(one, _), (other, _)| one == other) {
        let account = of_account[0].0;
        let cells = of_account.iter().map(|(_, cell)| *cell).collect();
        let evidence = AccountEvidence { cells, ..AccountEvidence::default() }.settled();
        bytes += evidence.pack().len();
        packed.insert(account, evidence);
        if packed.len() == ACCOUNTS_MAX {
            write(connection, std::mem::take(&mut packed)).await?;
        }
    }
    write(connection, packed).await?;
    let all: Vec<u32> = (0..accounts).collect();
    for some in all.chunks(ACCOUNTS_MAX) {
        register(connection, some).await?;
    }
    for statement in [
        "commit",
        "vacuum (freeze, analyze) bench_cell",
        "vacuum (freeze, analyze) scoring.evidence",
        "vacuum (freeze, analyze) scoring.account",
    ] {
        execute(connection, statement.to_owned()).await?;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let bytes = bytes as f64;
    Ok(Filled { people: accounts.div_ceil(MEMBERS), bytes })
}

/// The account of a number: spread, as keyed hashes are.
pub(super) fn id(account: u32) -> i64 {
    // The golden ratio of 64 bits, which is odd, so no two are one.
    u64::from(account + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).cast_signed()
}

/// The member who owns an account.
pub(super) fn person(account: u32) -> Option<i64> {
    account.is_multiple_of(MEMBERS).then(|| id(account) & i64::MAX)
}

async fn write(
    connection: &mut PgConnection,
    packed: BTreeMap<u32, AccountEvidence>,
) -> Result<(), Failure> {
    let failed = |error: sqlx::Error| Failure::failed(&error);
    let accounts: Vec<i64> = packed.keys().map(|account| id(*account)).collect();
    let first_days: Vec<i32> =
        packed.values().map(|it| it.first_day().unwrap_or_default()).collect();
    let evidence: Vec<Vec<u8>> = packed.values().map(AccountEvidence::pack).collect();
    sqlx::query(
        "insert into scoring.evidence (account_id, first_day, evidence)
         select * from unnest($1::bigint[], $2::integer[], $3::bytea[])",
    )
    .bind(accounts)
    .bind(first_days)
    .bind(evidence)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;

    let cells: Vec<(i64, &Cell)> = packed
        .iter()
        .flat_map(|(account, it)| it.cells.iter().map(|cell| (id(*account), cell)))
        .collect();
    let column = |value: fn(&(i64, &Cell)) -> i64| cells.iter().map(value).collect::<Vec<_>>();
    sqlx::query(
        "insert into bench_cell
         select subject, true, actor, kind, day, count
         from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
             as cell (subject, actor, kind, day, count)",
    )
    .bind(column(|(account, _)| *account))
    .bind(column(|(_, cell)| cell.actor.unwrap_or_default()))
    .bind(column(|(_, cell)| Kind::code(cell.kind).into()))
    .bind(column(|(_, cell)| cell.day.into()))
    .bind(column(|(_, cell)| cell.count))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn register(connection: &mut PgConnection, accounts: &[u32]) -> Result<(), Failure> {
    sqlx::query(
        "insert into scoring.account (account_id, network, person_id, revision, owned_since)
         select account_id, $3, person_id, 1,
             case when person_id is not null then pg_current_xact_id() end
         from unnest($1::bigint[], $2::bigint[]) as account (account_id, person_id)",
    )
    .bind(accounts.iter().map(|account| id(*account)).collect::<Vec<_>>())
    .bind(accounts.iter().map(|account| person(*account)).collect::<Vec<_>>())
    .bind(NETWORK)
    .execute(connection)
    .await
    .map_err(|error| Failure::failed(&error))?;
    Ok(())
}
