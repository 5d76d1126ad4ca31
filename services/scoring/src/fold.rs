//! Puts changes of evidence into the blocks beside which they lie, and drops what has left the window.
//!
//! A block is written anew when there are some changes beside it, so that each change costs a part of that
//! alone, and a score reads few rows. After a pass all are, so that the next one reads little more than
//! blocks.

use std::{collections::BTreeMap, time::Duration};

use klout_chassis::{Clock, failpoint};
use klout_model::{Day, WINDOW_DAYS};
use klout_score_engine::packed::{self, AccountEvidence, Tally};
use sqlx::PgPool;
use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::instrument;

use crate::{
    epochs::Epochs,
    error::{Error, ending},
    store::{
        self,
        evidence::{Folded, Unfolded},
    },
};

/// How often it is looked whether there is anything to do.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// A round is followed by a pause of this many times its own length.
const PAUSE_FACTOR: u32 = 4;

/// So many changes beside a block are put into it.
const CHANGES_MIN: i64 = 16;

/// Accounts in one transaction.
const ACCOUNTS_MAX: u16 = 512;

/// What has left the window is kept for so many days at most, so that a block is not written anew every day.
const SLACK_DAYS: u16 = 7;

/// What putting together needs.
#[derive(Debug)]
pub(crate) struct Folder {
    db: PgPool,
    clock: Clock,
    epochs: Epochs,
    /// For each look, and each transaction.
    time_max: Duration,
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    /// When the last round ended, and how long it took.
    round: Option<(Instant, Duration)>,
    /// The epoch after whose pass everything was put together.
    epoch: u64,
}

// === impl Folder ===

impl Folder {
    pub(crate) fn new(db: PgPool, clock: Clock, epochs: Epochs, time_max: Duration) -> Self {
        Self { db, clock, epochs, time_max, last: Mutex::default() }
    }

    /// Puts together what has many changes, if it is time, and drops what nothing counts any more.
    #[instrument(name = "fold", skip_all)]
    pub(crate) async fn step(&self, stop: &CancellationToken) -> Result<bool, Error> {
        let mut last = self.last.lock().await;
        let epoch = self.epochs.known().number;
        let passed = epoch != last.epoch;
        let rests = |(end, took): (Instant, Duration)| end.elapsed() < took * PAUSE_FACTOR;
        if !passed && last.round.is_some_and(rests) {
            return Ok(false);
        }
        let started = Instant::now();
        let first = ending(self.time_max, self.first_day()).await??;
        self.fold_all(if passed { 1 } else { CHANGES_MIN }, first, stop).await?;
        last.epoch = epoch;
        let old = first - i32::from(SLACK_DAYS);
        while !stop.is_cancelled() {
            let accounts = store::evidence::out_of_window(&self.db, old, ACCOUNTS_MAX.into());
            let accounts = ending(self.time_max, accounts)
                .await?
                .map_err(Error::store("look what has left the window"))?;
            if accounts.is_empty() || !ending(self.time_max, self.fold(&accounts, first)).await?? {
                break;
            }
        }
        last.round = Some((Instant::now(), started.elapsed()));
        Ok(false)
    }

    /// Puts together every account with so many changes or more.
    async fn fold_all(
        &self,
        changes_min: i64,
        first: i32,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let changed = ending(self.time_max, store::evidence::most_changed(&self.db, changes_min))
            .await?
            .map_err(Error::store("look what has changed"))?;
        for some in changed.chunks(ACCOUNTS_MAX.into()) {
            if stop.is_cancelled() || !ending(self.time_max, self.fold(some, first)).await?? {
                break;
            }
        }
        Ok(())
    }

    /// Puts these accounts together. `false`: somebody else is at it.
    async fn fold(&self, accounts: &[i64], first: i32) -> Result<bool, Error> {
        let store = Error::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to fold"))?;
        store::plan_anew(&mut transaction).await.map_err(store("begin to fold"))?;
        let locked = store::evidence::try_lock_folds(&mut transaction).await;
        if !locked.map_err(store("lock folds"))? {
            return Ok(false);
        }
        let rows = store::evidence::unfolded(&mut transaction, accounts)
            .await
            .map_err(store("read what is to be folded"))?;
        let read: Vec<(i64, i64)> =
            rows.iter().filter_map(|row| Some((row.account, row.position?))).collect();
        let (blocks, gone) = together(rows, first)?;
        store::evidence::fold(&mut transaction, &blocks, &gone, &read)
            .await
            .map_err(store("write what was folded"))?;
        failpoint!("scoring.evidence.folded");
        transaction.commit().await.map_err(store("commit what was folded"))?;
        Ok(true)
    }

    /// The first day of the window: by our clock or that of Postgres, whichever is behind. A clock that is ahead for
    /// a while must not throw evidence away.
    async fn first_day(&self) -> Result<i32, Error> {
        let today =
            store::evidence::today(&self.db).await.map_err(Error::store("look which day it is"))?;
        let today = today.min(Day::of(self.clock.now()).number());
        Ok(today - (i32::from(WINDOW_DAYS) - 1))
    }
}

/// The new blocks, and the accounts that have none any more.
fn together(rows: Vec<Unfolded>, first: i32) -> Result<(Vec<Folded>, Vec<i64>), Error> {
    let mut accounts: BTreeMap<i64, (AccountEvidence, Vec<Tally>)> = BTreeMap::new();
    for row in rows {
        let (evidence, tallies) = accounts.entry(row.account).or_default();
        evidence.add(AccountEvidence::unpack(&row.evidence).map_err(Error::Packed)?);
        if let Some(packed) = row.tallies {
            tallies.extend(packed::unpack_tallies(&packed).map_err(Error::Packed)?);
        }
    }
    let (mut blocks, mut gone) = (Vec::new(), Vec::new());
    for (account, (mut evidence, mut tallies)) in accounts {
        evidence.drop_before(first);
        let evidence = evidence.settled();
        tallies.retain(|it| it.day >= first);
        let tallies = packed::settled_tallies(tallies);
        let days = tallies.iter().map(|it| it.day).chain(evidence.first_day());
        let Some(first_day) = days.min() else {
            gone.push(account);
            continue;
        };
        let tallies = (!tallies.is_empty()).then(|| packed::pack_tallies(&tallies));
        blocks.push(Folded { account, first_day, evidence: evidence.pack(), tallies });
    }
    Ok((blocks, gone))
}
