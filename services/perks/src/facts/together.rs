//! Asks about all at once of whom others wait to hear.
//!
//! Whoever comes while nobody is being asked about is asked about at once, and alone. Whoever comes meanwhile waits for
//! the next turn, which is about all who wait: it costs the other services hardly more than one person does. Turns are
//! tasks of their own, so that one whose deadline passes takes nothing from the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use klout_model::PersonId;
use tokio::sync::oneshot::{self, Sender};
use tokio_util::task::TaskTracker;

use super::{FactsGatherer, PEER_TIME_MAX, PEOPLE_MAX, Said};
use crate::error::Error;

/// Turns at a time: while one waits for its last answer the next one asks already.
const TURNS_MAX: usize = 2;

/// How many may wait: as many as some turns are about.
const WAITING_MAX: usize = 4 * PEOPLE_MAX;

/// Those who wait. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Together {
    waiting: Arc<Mutex<Waiting>>,
    tasks: TaskTracker,
}

#[derive(Debug, Default)]
struct Waiting {
    asked: Vec<Asked>,
    turns: usize,
}

/// Of whom somebody wants to hear.
#[derive(Debug)]
struct Asked {
    person: PersonId,
    answer: Sender<Result<Option<Said>, Error>>,
}

/// One who asks for all who wait, until nobody does.
struct Turn {
    together: Together,
    /// Whether it is counted.
    counts: bool,
}

// === impl Together ===

impl Together {
    /// What is said of a person. `None`: nobody who consents to perks has this id, or somebody has another one by now.
    pub(super) async fn ask(
        &self,
        gatherer: &FactsGatherer,
        person: PersonId,
    ) -> Result<Option<Said>, Error> {
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            if waiting.asked.len() >= WAITING_MAX {
                return Err(Error::Overloaded);
            }
            waiting.asked.push(Asked { person, answer });
            if waiting.turns < TURNS_MAX {
                waiting.turns += 1;
                let turn = Turn { together: self.clone(), counts: true };
                self.tasks.spawn(turn.run(gatherer.clone()));
            }
        }
        answered.await.map_err(|_| Error::Slow)?
    }

    /// Waits for what is under way.
    pub(super) async fn end(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Whole after a panic too: nothing is done to it in two steps.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Turn ===

impl Turn {
    async fn run(mut self, gatherer: FactsGatherer) {
        while let Some(mut asked) = self.next() {
            asked.retain(|it| !it.answer.is_closed());
            let mut people: Vec<PersonId> = asked.iter().map(|it| it.person).collect();
            people.sort_unstable();
            people.dedup();
            if people.is_empty() {
                continue;
            }
            let said = Box::pin(gatherer.said_of(&people, PEER_TIME_MAX)).await;
            let said: Result<HashMap<PersonId, Said>, Arc<Error>> =
                said.map(|said| said.into_iter().map(|it| (it.id, it)).collect()).map_err(Arc::new);
            for Asked { person, answer } in asked {
                let said = match &said {
                    Ok(said) => Ok(said.get(&person).cloned()),
                    Err(error) => Err(Error::Shared(Arc::clone(error))),
                };
                // Who does not wait any more needs no answer.
                let _ = answer.send(said);
            }
        }
    }

    /// Who waits. `None`: nobody, and the turn is over.
    fn next(&mut self) -> Option<Vec<Asked>> {
        let mut waiting = self.together.waiting();
        if waiting.asked.is_empty() {
            waiting.turns -= 1;
            // From here on the next one who comes has a turn of their own.
            self.counts = false;
            return None;
        }
        let count = waiting.asked.len().min(PEOPLE_MAX);
        Some(waiting.asked.drain(..count).collect())
    }
}

impl Drop for Turn {
    /// If it was ended in the middle, those it asked for are told by their channels.
    fn drop(&mut self) {
        if self.counts {
            self.together.waiting().turns -= 1;
        }
    }
}
