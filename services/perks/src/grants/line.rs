//! Where work on a campaign waits.
//!
//! Whoever comes to an empty line starts a task that takes what waits, a group at a time, until nobody waits any more;
//! then the line is gone. The task belongs to none of those who wait, so that one whose deadline passes takes nothing
//! from the others: who has left the line before it was their turn gets nothing, and what was written down for somebody
//! who left during their turn is there when they ask again.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use klout_perk_rules::Step;
use tokio::sync::oneshot::{self, Sender};
use tokio_util::task::TaskTracker;

use super::{Ask, Decided, Grant, Granter, RequestName, group};
use crate::{error::Error, metrics::GrantMetrics};

/// How much may wait for one campaign: as much as a second or so does.
const WAITING_MAX: usize = 4_096;

/// How much is done together: more makes the last of them wait for all, and costs hardly less.
const GROUP_MAX: usize = 256;

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
    by_campaign: Arc<Mutex<Waiting>>,
    tasks: TaskTracker,
    metrics: Arc<GrantMetrics>,
}

type Waiting = HashMap<i64, VecDeque<Work>>;

/// Whoever does what waits for one campaign.
struct Leader {
    line: Line,
    campaign: i64,
    /// Whether the line is there because of it.
    leads: bool,
}

// === impl Line ===

impl Line {
    pub(super) fn new(metrics: Arc<GrantMetrics>) -> Self {
        Self { by_campaign: Arc::default(), tasks: TaskTracker::new(), metrics }
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
        match self.waiting().entry(campaign) {
            Entry::Occupied(line) if line.get().len() >= WAITING_MAX => {
                return Err(Error::Overloaded);
            }
            Entry::Occupied(mut line) => line.get_mut().push_back(work),
            Entry::Vacant(line) => {
                line.insert(VecDeque::from([work]));
                let leader = Leader { line: self.clone(), campaign, leads: true };
                self.tasks.spawn(leader.run(granter.clone()));
            }
        }
        self.metrics.stood();
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Whole after a panic too: nothing is done to it in two steps.
        self.by_campaign.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Leader ===

impl Leader {
    async fn run(mut self, granter: Granter) {
        while let Some(group) = self.next_group() {
            let group: Vec<Work> = group.into_iter().filter(|it| !it.answer.is_closed()).collect();
            if !group.is_empty() {
                group::run(&granter, self.campaign, group).await;
            }
        }
    }

    /// What waits first. `None`: nothing does, and the line is gone.
    fn next_group(&mut self) -> Option<Vec<Work>> {
        let mut waiting = self.line.waiting();
        let line = waiting.get_mut(&self.campaign)?;
        if line.is_empty() {
            waiting.remove(&self.campaign);
            // From here on somebody else may stand there, with a leader of their own.
            self.leads = false;
            return None;
        }
        let count = line.len().min(GROUP_MAX);
        let group = line.drain(..count).collect();
        self.line.metrics.taken_up(count);
        Some(group)
    }
}

impl Drop for Leader {
    /// If it was ended in the middle of its work, nobody else would do what waits: with its channel everybody is told.
    fn drop(&mut self) {
        if !self.leads {
            return;
        }
        let left = self.line.waiting().remove(&self.campaign);
        self.line.metrics.taken_up(left.map_or(0, |it| it.len()));
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
