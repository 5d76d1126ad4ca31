//! How many calls a process answers at once, and how many of one caller.
//!
//! Whoever comes when there is no room is refused at once: a queue would only make everybody wait until
//! their deadlines have passed. A caller has a share that leaves room for others.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tonic::{Code, Status};

use crate::refusal::Refusal;

/// When somebody who was refused may try again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Callers that are remembered before those are looked for who have gone.
const CALLERS_MAX: usize = 1_024;

/// The calls that are being answered. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Calls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max: usize,
    per_caller_max: usize,
    open: AtomicUsize,
    open_internal: AtomicUsize,
    by_caller: Mutex<HashMap<(String, bool), Weak<AtomicUsize>>>,
}

/// The calls of one caller.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    open: Arc<AtomicUsize>,
    /// Our own services. The call that made them call has been let in and counted before.
    internal: bool,
}

/// Room for a call, until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    calls: Calls,
    share: Share,
}

// === impl Calls ===

impl Calls {
    /// `max`: of all callers together; our own services may have as many again.
    pub(crate) fn new(max: usize, per_caller_max: usize) -> Self {
        Self(Arc::new(Inner {
            max,
            per_caller_max,
            open: AtomicUsize::new(0),
            open_internal: AtomicUsize::new(0),
            by_caller: Mutex::default(),
        }))
    }

    /// The share of the caller of that name.
    pub(crate) fn share(&self, name: &str, internal: bool) -> Share {
        let mut by_caller = self.0.by_caller.lock().expect("nobody panics while holding it");
        let key = (name.to_owned(), internal);
        if let Some(open) = by_caller.get(&key).and_then(Weak::upgrade) {
            return Share { open, internal };
        }
        if by_caller.len() >= CALLERS_MAX {
            by_caller.retain(|_, open| open.strong_count() > 0);
        }
        let open = Arc::default();
        by_caller.insert(key, Arc::downgrade(&open));
        Share { open, internal }
    }

    /// Room for one more call.
    ///
    /// # Errors
    ///
    /// UNAVAILABLE, OVERLOADED, when there is none for anybody; RESOURCE_EXHAUSTED, CALLS_TOO_MANY, when
    /// the caller has its share.
    pub(crate) fn take(&self, share: &Share) -> Result<Slot, Status> {
        let (all, own) = (self.0.all(share), &share.open);
        // Counted first: two that come at once do not both get the last place.
        let slot = Slot { calls: self.clone(), share: share.clone() };
        let all = all.fetch_add(1, Ordering::Relaxed) + 1;
        let own = own.fetch_add(1, Ordering::Relaxed) + 1;
        if !share.internal && own > self.0.per_caller_max {
            let refusal = Refusal::new(Code::ResourceExhausted, "CALLS_TOO_MANY");
            let max = self.0.per_caller_max;
            let message = format!("a caller may have {max} calls open at once");
            return Err(refusal
                .with("max", max)
                .retry_after(RETRY_AFTER)
                .into_plain_status(message));
        }
        if all > self.0.max {
            let refusal = Refusal::new(Code::Unavailable, "OVERLOADED").retry_after(RETRY_AFTER);
            return Err(refusal.into_plain_status("too many calls are being answered; try again"));
        }
        Ok(slot)
    }
}

// === impl Inner ===

impl Inner {
    /// All calls with which those of this share are counted.
    const fn all(&self, share: &Share) -> &AtomicUsize {
        if share.internal { &self.open_internal } else { &self.open }
    }
}

// === impl Slot ===

impl Drop for Slot {
    fn drop(&mut self) {
        self.calls.0.all(&self.share).fetch_sub(1, Ordering::Relaxed);
        self.share.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason;

    fn refused(result: Result<Slot, Status>) -> (Code, String) {
        let status = result.expect_err("no room");
        (status.code(), reason(&status).expect("a reason"))
    }

    #[test]
    fn one_caller_leaves_room_for_the_others() {
        let calls = Calls::new(3, 2);
        let (greedy, other) = (calls.share("greedy", false), calls.share("other", false));
        let _two = (calls.take(&greedy).expect("room"), calls.take(&greedy).expect("room"));

        let too_many = (Code::ResourceExhausted, "CALLS_TOO_MANY".to_owned());
        assert_eq!(refused(calls.take(&greedy)), too_many);
        let _third = calls.take(&other).expect("the refused one takes no place");
        let overloaded = (Code::Unavailable, "OVERLOADED".to_owned());
        assert_eq!(refused(calls.take(&other)), overloaded);
    }

    #[test]
    fn what_a_call_makes_our_own_services_ask_is_not_refused_for_it() {
        let calls = Calls::new(1, 1);
        let (caller, own) = (calls.share("desk", false), calls.share("klout", true));
        let _outer = calls.take(&caller).expect("room");
        let _inner = calls.take(&own).expect("room");
        assert_eq!(refused(calls.take(&own)).1, "OVERLOADED", "there is an end to that too");
    }

    #[test]
    fn a_place_is_free_again_when_its_call_has_ended() {
        let calls = Calls::new(1, 1);
        let caller = calls.share("desk", false);
        for _ in 0..3 {
            drop(calls.take(&caller).expect("room"));
        }
        assert!(calls.share("desk", false).open.load(Ordering::Relaxed) == 0);
    }

    #[test]
    fn callers_who_have_gone_are_forgotten() {
        let calls = Calls::new(1, 1);
        for number in 0..3 * CALLERS_MAX {
            calls.share(&number.to_string(), false);
        }
        assert!(calls.0.by_caller.lock().expect("whole").len() <= CALLERS_MAX);
    }
}
