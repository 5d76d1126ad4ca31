//! Where work on campaigns waits.
//!
//! Whoever comes to a campaign for which nothing is done starts a task, unless enough take up what waits. A task takes what
//! waits for many campaigns at once, a group at a time, until nobody waits any more. It belongs to none of those who wait,
//! so that one whose deadline passes takes nothing from the others: who has left the line before it was their turn gets
//! nothing, and what was written down for somebody who left during their turn is there when they ask again.
//!
//! What is done for many campaigns at once waits for none of them: a campaign that another replica holds is left out, and
//! has a task of its own, which waits for it alone.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::FutureExt as _;
use klout_perk_rules::Step;
use tokio::sync::oneshot::{self, Sender};
use tokio_util::task::TaskTracker;

use super::{Ask, Decided, Grant, Granter, RequestName, group};
use crate::{error::Error, metrics::GrantMetrics};

/// How much may wait for one campaign: as much as a second or so does.
const WAITING_MAX: usize = 4_096;

/// How much is done together: more makes the last of them wait for all, and costs hardly less.
const GROUP_MAX: usize = 256;

/// Tasks at once that do what waits for many campaigns: while one waits for its commit another one decides.
const TOGETHER_MAX: usize = 2;

/// Something to be done to a campaign, and who waits for it.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) wish: Wish,
    pub(super) answer: Sender<Result<Done, Error>>,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Wish {
    Reserve(Box<Ask>),
    Step {
        grant: i64,
        step: Step,
        why: String,
    },
    /// Ends reservations whose time is over, which every group does.
    Expire,
}

/// What was done.
#[derive(Debug)]
pub(super) enum Done {
    Decided(Box<Decided>),
    /// It had been decided before.
    Known(RequestName),
    /// As it is now.
    Stepped(Box<Grant>),
    /// How many ended.
    Expired(usize),
}

/// What waits, by campaign. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    waiting: Arc<Mutex<Waiting>>,
    tasks: TaskTracker,
    metrics: Arc<GrantMetrics>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Of a campaign for which something waits or is being done.
    by_campaign: HashMap<i64, VecDeque<Work>>,
    /// Campaigns for which something waits and nothing is being done, in the order in which it came.
    free: VecDeque<i64>,
    /// Those for which something is being done.
    taken: HashSet<i64>,
    /// Tasks that take up what waits for many campaigns.
    together: usize,
}

/// What was taken up for one campaign. Until it is dropped nobody else takes up what waits for that one.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) campaign: i64,
    pub(super) wishes: Vec<Wish>,
    pub(super) answers: Vec<Sender<Result<Done, Error>>>,
    line: Line,
}

/// A task that takes up what waits for many campaigns, until it is dropped.
struct Turn<'a>(&'a Line);

// === impl Line ===

impl Line {
    pub(super) fn new(metrics: Arc<GrantMetrics>) -> Self {
        Self { waiting: Arc::default(), tasks: TaskTracker::new(), metrics }
    }

    /// Has something done to a campaign, and waits until it is.
    pub(super) async fn stand(
        &self,
        granter: &Granter,
        campaign: i64,
        wish: Wish,
    ) -> Result<Done, Error> {
        let (answer, answered) = oneshot::channel();
        self.join(granter, campaign, Work { wish, answer })?;
        answered.await.map_err(|_| Error::GroupLost)?
    }

    /// Waits for what is under way.
    pub(super) async fn end(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn join(&self, granter: &Granter, campaign: i64, work: Work) -> Result<(), Error> {
        let starts = {
            let mut waiting = self.waiting();
            let waiting = &mut *waiting;
            let line = waiting.by_campaign.entry(campaign).or_default();
            if line.len() >= WAITING_MAX {
                return Err(Error::Overloaded);
            }
            line.push_back(work);
            let is_free = line.len() == 1 && !waiting.taken.contains(&campaign);
            if is_free {
                waiting.free.push_back(campaign);
            }
            is_free && waiting.together < TOGETHER_MAX
        };
        if starts {
            self.start(granter, None);
        }
        self.metrics.stood();
        Ok(())
    }

    fn start(&self, granter: &Granter, alone: Option<Batch>) {
        self.tasks.spawn(self.clone().work(granter.clone(), alone));
    }

    /// Does what waits until nothing does, or enough others do it; first of all what is to be done alone.
    async fn work(self, granter: Granter, mut alone: Option<Batch>) {
        loop {
            if let Some(batch) = alone.take() {
                // Of what panics those who wait are told by their channels.
                let _ = AssertUnwindSafe(group::alone(&granter, batch)).catch_unwind().await;
            }
            let Some((turn, batches)) = self.turn() else { return };
            let left = AssertUnwindSafe(group::together(&granter, batches)).catch_unwind().await;
            drop(turn);
            for batch in left.unwrap_or_default() {
                self.start(&granter, Some(batch));
            }
        }
    }

    /// What waits first. `None`: nothing does, or enough others take it up.
    fn turn(&self) -> Option<(Turn<'_>, Vec<Batch>)> {
        let mut waiting = self.waiting();
        let waiting = &mut *waiting;
        if waiting.together >= TOGETHER_MAX || waiting.free.is_empty() {
            return None;
        }
        waiting.together += 1;
        let (mut batches, mut count) = (Vec::new(), 0);
        while count < GROUP_MAX
            && let Some(campaign) = waiting.free.pop_front()
        {
            let line = waiting.by_campaign.entry(campaign).or_default();
            let taken = line.drain(..line.len().min(GROUP_MAX - count));
            count += taken.len();
            let taken = taken.filter(|it| !it.answer.is_closed());
            let (wishes, answers) = taken.map(|Work { wish, answer }| (wish, answer)).unzip();
            waiting.taken.insert(campaign);
            batches.push(Batch { campaign, wishes, answers, line: self.clone() });
        }
        self.metrics.taken_up(count);
        Some((Turn(self), batches))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Whole after a panic too: nothing is done to it in two steps.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Turn ===

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.waiting().together -= 1;
    }
}

// === impl Batch ===

impl Drop for Batch {
    /// What came meanwhile is free to be taken up.
    fn drop(&mut self) {
        let mut waiting = self.line.waiting();
        let waiting = &mut *waiting;
        waiting.taken.remove(&self.campaign);
        if waiting.by_campaign.get(&self.campaign).is_some_and(|it| !it.is_empty()) {
            waiting.free.push_back(self.campaign);
        } else {
            waiting.by_campaign.remove(&self.campaign);
        }
    }
}

#[cfg(test)]
mod tests {
    use klout_chassis::Clock;
    use klout_model::AccountKey;
    use sqlx::PgPool;

    use super::*;
    use crate::{campaigns::Campaigns, decide::HoldOut};

    #[tokio::test]
    async fn who_comes_to_a_line_that_is_too_long_is_told_so_and_other_lines_are_not() {
        let db = PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/nowhere").expect("a URL");
        let hold_out = HoldOut::new(&AccountKey::new([7; 32]));
        let granter = Granter::new(db.clone(), Campaigns::new(db), hold_out, Clock::running());
        let come = |campaign: i64| {
            let (answer, answered) = oneshot::channel();
            let work = Work { wish: Wish::Expire, answer };
            granter.line.join(&granter, campaign, work).map(|()| answered)
        };
        // Nothing is taken up before this waits.
        let waiting: Vec<_> = (0..WAITING_MAX).map(|_| come(1).expect("there is room")).collect();
        assert!(matches!(come(1), Err(Error::Overloaded)));
        assert!(come(2).is_ok());
        // Whoever hangs up makes room.
        drop(waiting);
        klout_testkit::until("there is room again", async || come(1).is_ok()).await;
    }
}
