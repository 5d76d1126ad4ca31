//! The log of look-ups, as far as a social-graph that is played needs one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Whom a caller looked at and what they saw, with how often.
pub type Looks = BTreeMap<(i64, String), u64>;

/// Who looked at whom. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Looked(Arc<Mutex<BTreeMap<String, Looks>>>);

// === impl Looked ===

impl Looked {
    /// Notes that a caller saw `what` of each of these people, so often.
    ///
    /// # Panics
    ///
    /// When somebody panicked while noting.
    pub fn note(&self, caller: &str, what: &str, people: &[i64], counts: &[u64]) {
        let mut looked = self.0.lock().expect("not poisoned");
        let looks = looked.entry(caller.to_owned()).or_default();
        for (person, count) in people.iter().zip(counts) {
            *looks.entry((*person, what.to_owned())).or_default() += count;
        }
    }

    /// What was noted of a caller.
    ///
    /// # Panics
    ///
    /// When somebody panicked while noting.
    #[must_use]
    pub fn of(&self, caller: &str) -> Looks {
        self.0.lock().expect("not poisoned").get(caller).cloned().unwrap_or_default()
    }
}
