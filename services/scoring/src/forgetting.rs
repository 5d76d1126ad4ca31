//! Deletes what is kept of people who left.
//!
//! Of somebody who opted out only results go, which were deleted when they were masked: the evidence stays as a
//! pseudonym's. Of somebody who was erased all evidence about their accounts goes, and what these did to others is
//! taken out of the others' blocks. There is no index by actor, so blocks are gone through one after the other, a
//! part with each call, for everybody who waits: a hand goes round all accounts, and who came when it stood
//! somewhere is done when it stands there again. Nothing new comes in meanwhile, as batches are checked.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use klout_proto::people::State;
use klout_score_engine::packed::{self, AccountEvidence, Tally};
use sqlx::{PgConnection, PgPool};
use tracing::instrument;

use crate::{
    error::Error,
    store::{
        self,
        evidence::{Folded, Unfolded},
        forgetting::{Hand, TakenOut},
    },
};

/// Accounts that are gone through in one transaction.
const ACCOUNTS_MAX: i64 = 256;

/// How long a call goes on.
const TIME_MAX: Duration = Duration::from_millis(500);

/// What was deleted, and whether that was all.
#[derive(Debug, Default)]
pub(crate) struct Forgotten {
    pub(crate) counts: Vec<(&'static str, u64)>,
    pub(crate) done: bool,
}

/// Forgets somebody, or a part of what there is.
#[instrument(name = "forget_person", skip_all)]
pub(crate) async fn forget(
    db: &PgPool,
    person: i64,
    state: State,
    accounts: &[i64],
) -> Result<Forgotten, Error> {
    let store = Error::store;
    if state != State::Erased {
        return Ok(Forgotten { counts: Vec::new(), done: true });
    }
    let mut counts = Vec::new();
    let mut count = |name, number: u64| {
        if number > 0 {
            counts.push((name, number));
        }
    };
    let mut transaction = db.begin().await.map_err(store("begin to forget somebody"))?;
    // Else a fold could put back what it read before.
    store::evidence::lock_folds(&mut transaction).await.map_err(store("wait for folds"))?;
    // Somebody else may have joined with an account since: what came after is about them.
    let erased = store::person_state::erased(&mut *transaction, accounts).await;
    let erased = erased.map_err(store("look up to which day evidence goes"))?;
    let last_days: HashMap<i64, i32> =
        erased.values().filter_map(|it| Some((it.account, it.through_day?))).collect();
    let (joined, left): (Vec<i64>, Vec<i64>) =
        accounts.iter().partition(|account| last_days.contains_key(account));
    let rows = store::forgetting::remove_evidence(&mut transaction, &left).await;
    let mut rows = rows.map_err(store("delete evidence"))?.unsigned_abs();
    rewrite(&mut transaction, &joined, |account, evidence, tallies| {
        let any =
            last_days.get(&account).is_some_and(|day| remove_through(*day, evidence, tallies));
        rows += u64::from(any);
        any
    })
    .await?;
    count("evidence", rows);
    let findings = store::forgetting::remove_findings(&mut transaction, person, &left).await;
    count("finding", findings.map_err(store("delete findings"))?);
    store::forgetting::add(&mut transaction, person, accounts)
        .await
        .map_err(store("have evidence gone through"))?;
    transaction.commit().await.map_err(store("commit that somebody is forgotten"))?;

    let started = Instant::now();
    let progress = loop {
        let progress = store::forgetting::progress(db, person).await;
        let progress = progress.map_err(store("look how far the hand has come"))?;
        if progress.done || started.elapsed() >= TIME_MAX {
            break progress;
        }
        go_on(db).await?;
    };
    if progress.done {
        let mut connection =
            db.acquire().await.map_err(store("note that somebody is forgotten"))?;
        store::forgetting::remove(&mut connection, person)
            .await
            .map_err(store("note that somebody is forgotten"))?;
        count("cell", progress.cells.unsigned_abs());
        count("given", progress.given.unsigned_abs());
    }
    Ok(Forgotten { counts, done: progress.done })
}

/// Moves the hand over the next accounts, and takes out of their evidence what is to go.
async fn go_on(db: &PgPool) -> Result<(), Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to go through evidence"))?;
    let connection = &mut *transaction;
    store::evidence::lock_folds(&mut *connection).await.map_err(store("wait for folds"))?;
    let Hand { lap, hand } = store::forgetting::lock_hand(&mut *connection)
        .await
        .map_err(store("read how far the hand has come"))?;
    let pending = store::forgetting::pending(&mut *connection).await;
    let pending = pending.map_err(store("look who is to be forgotten"))?;
    let accounts = store::forgetting::next_accounts(&mut *connection, hand, ACCOUNTS_MAX).await;
    let accounts = accounts.map_err(store("look whose evidence is next"))?;
    let next = match accounts.last() {
        Some(last) => Hand { lap, hand: *last },
        None => Hand { lap: lap + 1, hand: i64::MIN },
    };
    take_out(&mut *connection, &accounts, &pending).await?;
    store::forgetting::move_hand(&mut *connection, next)
        .await
        .map_err(store("note how far the hand has come"))?;
    transaction.commit().await.map_err(store("commit what was gone through"))
}

async fn take_out(
    db: &mut PgConnection,
    accounts: &[i64],
    pending: &HashMap<i64, Option<i32>>,
) -> Result<(), Error> {
    if pending.is_empty() {
        return Ok(());
    }
    let mut taken = HashMap::new();
    rewrite(&mut *db, accounts, |_, evidence, _| take_out_of(evidence, pending, &mut taken))
        .await?;
    let counted = store::forgetting::count(db, &taken).await;
    counted.map_err(Error::store("count what was taken out"))
}

/// Changes the evidence of accounts. `change` returns whether there was anything to change.
async fn rewrite(
    db: &mut PgConnection,
    accounts: &[i64],
    mut change: impl FnMut(i64, &mut AccountEvidence, &mut Vec<Tally>) -> bool,
) -> Result<(), Error> {
    let store = Error::store;
    if accounts.is_empty() {
        return Ok(());
    }
    let rows = store::evidence::unfolded(&mut *db, accounts).await;
    let rows = rows.map_err(store("read evidence"))?;
    let mut gaps = Vec::new();
    let mut by_account: HashMap<i64, Vec<Unfolded>> = HashMap::new();
    for row in rows {
        by_account.entry(row.account).or_default().push(row);
    }
    let (mut blocks, mut gone, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for (account, rows) in by_account {
        let mut evidence = AccountEvidence::default();
        let mut tallies = Vec::new();
        for row in &rows {
            evidence.add(AccountEvidence::unpack(&row.evidence).map_err(Error::Packed)?);
            if let Some(packed) = &row.tallies {
                tallies.extend(packed::unpack_tallies(packed).map_err(Error::Packed)?);
            }
        }
        if !change(account, &mut evidence, &mut tallies) {
            continue;
        }
        gaps.push(account);
        read.extend(rows.iter().filter_map(|row| Some((account, row.position?))));
        let evidence = evidence.settled();
        let tallies = packed::settled_tallies(tallies);
        let days = tallies.iter().map(|it| it.day).chain(evidence.first_day());
        match days.min() {
            None => gone.push(account),
            Some(first_day) => blocks.push(Folded {
                account,
                first_day,
                evidence: evidence.pack(),
                tallies: (!tallies.is_empty()).then(|| packed::pack_tallies(&tallies)),
            }),
        }
    }
    if gaps.is_empty() {
        return Ok(());
    }
    store::evidence::fold(&mut *db, &blocks, &gone, &read)
        .await
        .map_err(store("write what is left of evidence"))?;
    store::forgetting::add_gaps(&mut *db, &gaps).await.map_err(store("mark people dirty"))
}

/// Removes everything of days up to and with `last`. Returns whether there was anything.
fn remove_through(last: i32, evidence: &mut AccountEvidence, tallies: &mut Vec<Tally>) -> bool {
    let size = |evidence: &AccountEvidence, tallies: &[Tally]| {
        let AccountEvidence { cells, given, posts, readings } = evidence;
        cells.len() + given.len() + posts.len() + readings.len() + tallies.len()
    };
    let before = size(evidence, tallies);
    evidence.cells.retain(|it| it.day > last);
    evidence.given.retain(|it| it.day > last);
    evidence.posts.retain(|it| it.day > last);
    evidence.readings.retain(|it| it.day() > i64::from(last));
    tallies.retain(|it| it.day > last);
    size(evidence, tallies) < before
}

/// Takes what these accounts did, and what +K they got, out of the evidence of another one. Returns whether there was
/// anything. What belongs to which post names no actor, and stays.
fn take_out_of(
    evidence: &mut AccountEvidence,
    pending: &HashMap<i64, Option<i32>>,
    taken: &mut HashMap<i64, TakenOut>,
) -> bool {
    let goes = |account: i64, day: i32| {
        pending.get(&account).is_some_and(|through| through.is_none_or(|last| day <= last))
    };
    let mut any = false;
    evidence.cells.retain(|cell| {
        let Some(actor) = cell.actor.filter(|actor| goes(*actor, cell.day)) else { return true };
        taken.entry(actor).or_default().cells += 1;
        any = true;
        false
    });
    evidence.given.retain(|given| {
        let goes = goes(given.receiver, given.day);
        if goes {
            taken.entry(given.receiver).or_default().given += 1;
            any = true;
        }
        !goes
    });
    any
}

#[cfg(test)]
mod tests {
    use klout_model::Kind;
    use klout_score_engine::packed::{Cell, Given};

    use super::*;

    #[test]
    fn what_erased_accounts_did_goes_up_to_their_day_and_nothing_else() {
        let cell = |actor, day| Cell { actor, day, kind: Kind::Like, count: 1, told: 1 };
        let given = |receiver| Given { receiver, day: 5, count: 1, told: 1 };
        let mut evidence = AccountEvidence {
            cells: vec![
                cell(None, 5),
                cell(Some(1), 5),
                cell(Some(1), 6),
                cell(Some(2), 9),
                cell(Some(3), 5),
            ],
            given: vec![given(2), given(3)],
            ..AccountEvidence::default()
        };
        let pending = HashMap::from([(1, Some(5)), (2, None)]);
        let mut taken = HashMap::new();
        assert!(take_out_of(&mut evidence, &pending, &mut taken));
        assert_eq!(evidence.cells, [cell(None, 5), cell(Some(1), 6), cell(Some(3), 5)]);
        assert_eq!(evidence.given, [given(3)]);
        assert_eq!((taken[&1].cells, taken[&2].cells, taken[&2].given), (1, 1, 1));
        assert!(!take_out_of(&mut evidence, &pending, &mut taken), "nothing is left");
    }

    #[test]
    fn of_an_account_with_which_somebody_joined_again_what_came_after_stays() {
        let cell = |day| Cell { actor: None, day, kind: Kind::Like, count: 1, told: 1 };
        let tally = |day| Tally { post: [1; 16], kind: Kind::Like, day, count: 1 };
        let mut evidence =
            AccountEvidence { cells: vec![cell(5), cell(6)], ..AccountEvidence::default() };
        let mut tallies = vec![tally(5), tally(6)];
        assert!(remove_through(5, &mut evidence, &mut tallies));
        assert_eq!((evidence.cells.as_slice(), &tallies), ([cell(6)].as_slice(), &vec![tally(6)]));
        assert!(!remove_through(5, &mut evidence, &mut tallies), "nothing is left");
    }
}
