//! Questions that many have at once are asked together.
//!
//! Who comes first asks at once; who comes meanwhile waits, and is asked for with all others who do. What a question costs
//! the others, or the store, is so shared by all who have it. Whoever asks for all is a task of its own, so that one whose
//! deadline passes takes nothing from the others.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot::{self, Sender};
use tokio_util::task::TaskTracker;

use crate::error::Error;

/// Turns at a time: while one waits for its last answer the next one asks already.
const TURNS_MAX: usize = 2;

/// How many may be asked about at once: as many as other services answer about.
const TOGETHER_MAX: usize = 1_000;

/// How many may wait: as many as some turns are about.
const WAITING_MAX: usize = 4 * TOGETHER_MAX;

/// Those who wait to hear what is known of a `K`. Clones share them.
#[derive(Debug)]
pub(crate) struct Together<K, V> {
    waiting: Arc<Mutex<Waiting<K, V>>>,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Waiting<K, V> {
    asked: Vec<Asked<K, V>>,
    turns: usize,
}

/// Of what somebody wants to hear.
#[derive(Debug)]
struct Asked<K, V> {
    key: K,
    answer: Sender<Result<Option<V>, Error>>,
}

/// One who asks for all who wait, until nobody does.
struct Turn<K, V> {
    together: Together<K, V>,
    /// Whether it is counted.
    counts: bool,
}

// === impl Together ===

impl<K, V> Together<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    /// What `ask` finds of `key`; it is asked about at most [`TOGETHER_MAX`], each once. `None`: nothing.
    pub(crate) async fn ask<A, F>(&self, key: K, ask: A) -> Result<Option<V>, Error>
    where
        A: Fn(Vec<K>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<HashMap<K, V>, Error>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            if waiting.asked.len() >= WAITING_MAX {
                return Err(Error::Overloaded);
            }
            waiting.asked.push(Asked { key, answer });
            if waiting.turns < TURNS_MAX {
                waiting.turns += 1;
                let turn = Turn { together: self.clone(), counts: true };
                self.tasks.spawn(turn.run(ask));
            }
        }
        answered.await.map_err(|_| Error::Slow)?
    }

    /// Waits for what is under way.
    pub(crate) async fn end(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl<K, V> Together<K, V> {
    fn waiting(&self) -> MutexGuard<'_, Waiting<K, V>> {
        // Whole after a panic too: nothing is done to it in two steps.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Default for Together<K, V> {
    fn default() -> Self {
        let waiting = Waiting { asked: Vec::new(), turns: 0 };
        Self { waiting: Arc::new(Mutex::new(waiting)), tasks: TaskTracker::new() }
    }
}

impl<K, V> Clone for Together<K, V> {
    fn clone(&self) -> Self {
        Self { waiting: Arc::clone(&self.waiting), tasks: self.tasks.clone() }
    }
}

// === impl Turn ===

impl<K, V> Turn<K, V>
where
    K: Clone + Eq + Hash,
    V: Clone,
{
    async fn run<F>(mut self, ask: impl Fn(Vec<K>) -> F)
    where
        F: Future<Output = Result<HashMap<K, V>, Error>>,
    {
        while let Some(mut asked) = self.next() {
            asked.retain(|it| !it.answer.is_closed());
            let keys: HashSet<K> = asked.iter().map(|it| it.key.clone()).collect();
            if keys.is_empty() {
                continue;
            }
            let found = Box::pin(ask(keys.into_iter().collect())).await.map_err(Arc::new);
            for Asked { key, answer } in asked {
                let found = match &found {
                    Ok(found) => Ok(found.get(&key).cloned()),
                    Err(error) => Err(Error::Shared(Arc::clone(error))),
                };
                // Who does not wait any more needs no answer.
                let _ = answer.send(found);
            }
        }
    }

    /// Who waits. `None`: nobody, and the turn is over.
    fn next(&mut self) -> Option<Vec<Asked<K, V>>> {
        let mut waiting = self.together.waiting();
        if waiting.asked.is_empty() {
            waiting.turns -= 1;
            // From here on the next one who comes has a turn of their own.
            self.counts = false;
            return None;
        }
        let count = waiting.asked.len().min(TOGETHER_MAX);
        Some(waiting.asked.drain(..count).collect())
    }
}

impl<K, V> Drop for Turn<K, V> {
    /// If it was ended in the middle, those it asked for are told by their channels.
    fn drop(&mut self) {
        if self.counts {
            self.together.waiting().turns -= 1;
        }
    }
}
