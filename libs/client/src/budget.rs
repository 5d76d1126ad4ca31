//! How many calls may be made besides those that were asked for.

use std::sync::atomic::{AtomicU32, Ordering};

/// Of what one further call takes.
const CALL: u32 = 1_000;

/// Calls that may be made again or twice: some at once, and then a share of those that are answered.
///
/// As gRPC's own throttling of retries: when a gateway struggles, whoever asks again and again makes it worse.
#[derive(Debug)]
pub(crate) struct Budget {
    /// In thousandths of a call.
    left: AtomicU32,
    max: u32,
    /// What each answer adds.
    added: u32,
}

// === impl Budget ===

impl Budget {
    /// `percent`: further calls for a hundred that are answered. `reserve`: so many more at once.
    pub(crate) fn new(percent: u8, reserve: u16) -> Self {
        let max = u32::from(reserve) * CALL;
        Self { left: AtomicU32::new(max), max, added: u32::from(percent) * CALL / 100 }
    }

    /// A call was answered, whatever it was answered.
    pub(crate) fn add(&self) {
        self.change(|left| Some((left + self.added).min(self.max)));
    }

    /// Whether one further call may be made, which is then counted.
    pub(crate) fn take(&self) -> bool {
        self.change(|left| left.checked_sub(CALL))
    }

    fn change(&self, change: impl FnMut(u32) -> Option<u32>) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_comes_back_with_answers_and_never_more_than_the_reserve() {
        let budget = Budget::new(10, 2);
        assert!(budget.take() && budget.take() && !budget.take());
        for _ in 0..10 {
            budget.add();
        }
        assert!(budget.take() && !budget.take(), "ten answers pay for one");
        for _ in 0..1_000 {
            budget.add();
        }
        assert!(budget.take() && budget.take() && !budget.take());
    }
}
