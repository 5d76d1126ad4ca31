//! What one gateway knows of one limit of one key in one window of time. No I/O.
//!
//! Redis counts what was handed out in the window. A gateway takes blocks from it: it asks for the next one when half
//! of its block is used, so that calls seldom wait. The first block of a window it takes without asking, and tells of
//! it when half of it is used: a key that calls now and then costs Redis nothing.
//!
//! So all gateways together let through at most the limit, and a block more for each gateway but one. A gateway that
//! gets no answer lets through as much as the limit by itself, and tells Redis later.

use klout_store::Leased;

/// So many blocks are in a window, when the limit is not lower.
const BLOCKS: u64 = 10;

/// The largest block: what others cannot have while it lies unused.
const BLOCK_MAX: u64 = 1_000;

/// How long after an answer that did not come Redis is asked again.
const ASK_AGAIN_MS: i64 = 1_000;

/// The account of one window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Book {
    /// Which window it is, counted from the epoch.
    window: i64,
    limit: u64,
    /// Calls that were let through here.
    used: u64,
    /// What Redis has counted for us: blocks, and what it was told of.
    covered: u64,
    /// What it had for others when it was last asked.
    left: Option<u64>,
    /// It had less than we wanted: there will be no more in this window.
    spent: bool,
    /// It did not answer, so that the limit holds for us alone.
    alone: bool,
    /// Questions that were asked.
    asks: u64,
    /// The last one is under way.
    asking: bool,
    /// When it may be asked again that did not answer.
    ask_after_ms: i64,
}

/// Whether there is room for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Yes,
    No,
    /// What Redis answers decides.
    Wait,
}

/// A question to Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) window: i64,
    /// Of the questions of this window.
    number: u64,
    asked_ms: i64,
    pub(crate) limit: u64,
    /// What was let through without asking.
    pub(crate) owed: u64,
    pub(crate) wanted: u64,
}

/// The calls that a gateway takes at once.
pub(crate) fn block(limit: u64) -> u64 {
    limit.div_ceil(BLOCKS).clamp(1, BLOCK_MAX)
}

// === impl Book ===

impl Book {
    /// Turns to the page of `window`, if it is another one, and holds from now on to `limit`. A call that comes a
    /// moment late does not turn back.
    pub(crate) fn turn_to(&mut self, window: i64, limit: u64) {
        if window != self.window && window + 1 != self.window {
            *self = Self { window, limit, ..Self::default() };
        }
        if limit != self.limit {
            self.limit = limit;
            self.left = None;
            self.spent = false;
        }
    }

    pub(crate) const fn window(&self) -> i64 {
        self.window
    }

    pub(crate) fn room(&self) -> Room {
        if self.used >= self.limit {
            return Room::No;
        }
        let in_advance = self.covered == 0 && self.used < block(self.limit);
        match () {
            () if self.used < self.covered || self.alone => Room::Yes,
            () if self.spent => Room::No,
            () if in_advance => Room::Yes,
            () => Room::Wait,
        }
    }

    /// Counts a call that is let through.
    pub(crate) const fn count(&mut self) {
        self.used += 1;
    }

    /// What Redis has to be asked now, if anything. Who gets a question brings an [`answer`](Self::answer).
    pub(crate) fn ask(&mut self, now_ms: i64) -> Option<Ask> {
        let owed = self.used.saturating_sub(self.covered);
        // Others hear of what was let through here though there is nothing more to be had.
        let done = self.spent || (self.used >= self.limit && owed == 0);
        if self.asking || done || (self.alone && now_ms < self.ask_after_ms) {
            return None;
        }
        let block = block(self.limit);
        let due = match self.covered {
            0 => owed > 0 && owed * 2 >= block,
            _ => self.ahead() * 2 <= block,
        };
        if !due {
            return None;
        }
        self.asking = true;
        self.asks += 1;
        let wanted = block.min(self.limit.saturating_sub(self.used));
        let (window, number, limit) = (self.window, self.asks, self.limit);
        Some(Ask { window, number, asked_ms: now_ms, limit, owed, wanted })
    }

    /// What came of a question. An answer that comes after its window, or after it was given up, tells nothing: what
    /// it handed out is lost.
    pub(crate) fn answer(&mut self, ask: &Ask, leased: Option<Leased>) {
        let awaited = self.asking && ask.number == self.asks && ask.window == self.window;
        if !awaited {
            return;
        }
        match leased {
            Some(Leased { given, left }) => {
                self.asking = false;
                self.alone = false;
                self.covered += ask.owed + given;
                self.left = Some(left);
                // One that was asked under another limit may have more under this one.
                self.spent = given < ask.wanted && ask.limit == self.limit;
            }
            None => self.give_up(ask.asked_ms),
        }
    }

    /// Waits no longer for what it asked.
    pub(crate) const fn give_up(&mut self, now_ms: i64) {
        if !self.asking {
            return;
        }
        self.asking = false;
        self.alone = true;
        self.ask_after_ms = now_ms + ASK_AGAIN_MS;
    }

    /// What is left for this window, as far as it is known here.
    pub(crate) fn remaining(&self) -> u64 {
        let own = self.limit.saturating_sub(self.used);
        match self.left {
            Some(left) if !self.alone => own.min(left + self.ahead()),
            Some(_) | None => own,
        }
    }

    /// What was handed out to us and is not used.
    const fn ahead(&self) -> u64 {
        self.covered.saturating_sub(self.used)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Redis, as the script of `klout_store::Leases` counts.
    #[derive(Debug, Default)]
    struct Counted(u64);

    impl Counted {
        fn lease(&mut self, ask: &Ask) -> Leased {
            self.0 += ask.owed;
            let left = ask.limit.saturating_sub(self.0);
            let given = ask.wanted.min(left);
            self.0 += given;
            Leased { given, left: left - given }
        }
    }

    /// A gateway, and its question on the way there or back.
    #[derive(Debug, Default)]
    struct Gateway {
        book: Book,
        let_through: u64,
        asked: Option<Ask>,
        answered: Option<(Ask, Option<Leased>)>,
    }

    impl Gateway {
        fn call(&mut self, limit: u64, now_ms: i64) -> Room {
            self.book.turn_to(1, limit);
            let room = self.book.room();
            if room == Room::Yes {
                self.book.count();
                self.let_through += 1;
            }
            if let Some(ask) = self.book.ask(now_ms) {
                assert!(self.asked.is_none() && self.answered.is_none(), "one at a time");
                self.asked = Some(ask);
            }
            let under_way = self.asked.is_some() || self.answered.is_some();
            assert!(room != Room::Wait || under_way, "nobody waits for nothing");
            room
        }

        fn hear(&mut self) {
            if let Some((ask, leased)) = self.answered.take() {
                self.book.answer(&ask, leased);
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Call(usize),
        /// Redis hears the question.
        Redis(usize),
        /// The gateway hears the answer.
        Hear(usize),
        /// The question is lost, before Redis heard it or after.
        Lose(usize),
    }

    fn step(gateways: usize, loses: bool) -> impl Strategy<Value = Step> {
        let losing = u32::from(loses);
        prop_oneof![
            6 => (0..gateways).prop_map(Step::Call),
            2 => (0..gateways).prop_map(Step::Redis),
            2 => (0..gateways).prop_map(Step::Hear),
            losing => (0..gateways).prop_map(Step::Lose),
        ]
    }

    fn run(gateways: usize, limit: u64, steps: &[Step]) -> Vec<Gateway> {
        let mut redis = Counted::default();
        let mut all: Vec<Gateway> = (0..gateways).map(|_| Gateway::default()).collect();
        for (now_ms, step) in (0..).step_by(50).zip(steps) {
            match *step {
                Step::Call(gateway) => {
                    all[gateway].call(limit, now_ms);
                }
                Step::Redis(gateway) => {
                    if let Some(ask) = all[gateway].asked.take() {
                        all[gateway].answered = Some((ask, Some(redis.lease(&ask))));
                    }
                }
                Step::Hear(gateway) => all[gateway].hear(),
                Step::Lose(gateway) => {
                    let it = &mut all[gateway];
                    let heard = it.answered.take().map(|(ask, _)| ask);
                    it.answered = it.asked.take().or(heard).map(|ask| (ask, None));
                }
            }
        }
        all
    }

    fn runs(loses: bool) -> impl Strategy<Value = (usize, u64, Vec<Step>)> {
        (1_usize..5, 1_u64..60).prop_flat_map(move |(gateways, limit)| {
            let steps = proptest::collection::vec(step(gateways, loses), 0..800);
            (Just(gateways), Just(limit), steps)
        })
    }

    proptest! {
        #[test]
        fn gateways_together_pass_the_limit_by_a_block_for_each_but_one(
            (gateways, limit, steps) in runs(false)
        ) {
            let all = run(gateways, limit, &steps);
            let together: u64 = all.iter().map(|it| it.let_through).sum();
            let slack = (u64::try_from(gateways).expect("few") - 1) * block(limit);
            prop_assert!(together <= limit + slack, "{together} of {limit}");
        }

        #[test]
        fn a_gateway_alone_never_passes_the_limit((gateways, limit, steps) in runs(true)) {
            for gateway in run(gateways, limit, &steps) {
                prop_assert!(gateway.let_through <= limit);
            }
        }

        #[test]
        fn the_whole_limit_can_be_used_by_one_gateway(limit in 1_u64..5_000) {
            let (mut gateway, mut redis) = (Gateway::default(), Counted::default());
            for _ in 0..3 * limit {
                gateway.call(limit, 0);
                if let Some(ask) = gateway.asked.take() {
                    gateway.answered = Some((ask, Some(redis.lease(&ask))));
                }
                gateway.hear();
            }
            prop_assert_eq!(gateway.let_through, limit);
        }
    }

    #[test]
    fn calls_now_and_then_cost_redis_nothing() {
        let mut gateway = Gateway::default();
        for _ in 0..4 {
            assert_eq!(gateway.call(100, 0), Room::Yes);
        }
        assert_eq!(gateway.asked, None);
        gateway.call(100, 0);
        let asked = gateway.asked.map(|ask| (ask.owed, ask.wanted));
        assert_eq!(asked, Some((5, 10)), "half of the first block is used");
    }

    #[test]
    fn the_next_block_is_asked_for_before_the_last_one_is_used_up() {
        let (mut gateway, mut redis) = (Gateway::default(), Counted::default());
        let mut waited = 0;
        for _ in 0..100 {
            waited += u32::from(gateway.call(100, 0) == Room::Wait);
            // The answer comes while the next call is answered.
            gateway.hear();
            gateway.answered = gateway.asked.take().map(|ask| (ask, Some(redis.lease(&ask))));
        }
        assert_eq!((waited, gateway.let_through), (0, 100));
    }

    #[test]
    fn without_an_answer_the_limit_holds_for_a_gateway_alone_and_is_told_later() {
        let (mut gateway, mut redis) = (Gateway::default(), Counted::default());
        gateway.call(10, 0);
        gateway.answered = gateway.asked.take().map(|ask| (ask, None));
        gateway.hear();
        for _ in 0..6 {
            assert_eq!(gateway.call(10, 999), Room::Yes);
        }
        assert_eq!(gateway.asked, None, "it is left alone");
        assert_eq!(gateway.book.remaining(), 3);
        gateway.call(10, 1_000);
        let ask = gateway.asked.take().expect("asked again");
        assert_eq!(ask.owed, 8);
        redis.0 = 5;
        gateway.answered = Some((ask, Some(redis.lease(&ask))));
        gateway.hear();
        assert_eq!((gateway.call(10, 1_000), gateway.book.remaining()), (Room::No, 0));
    }

    #[test]
    fn a_window_begins_anew_and_an_answer_of_the_last_one_says_nothing() {
        let mut book = Book::default();
        book.turn_to(7, 2);
        book.count();
        let ask = book.ask(0).expect("a question");
        book.turn_to(8, 2);
        let before = book.clone();
        book.answer(&ask, Some(Leased { given: 0, left: 0 }));
        assert_eq!(book, before);
        book.turn_to(7, 2);
        assert_eq!(book, before, "who comes late does not turn back");
    }

    #[test]
    fn an_answer_that_nobody_waits_for_any_more_says_nothing() {
        let mut book = Book::default();
        book.turn_to(1, 2);
        book.count();
        let ask = book.ask(0).expect("a question");
        assert_eq!(book.room(), Room::Wait);
        book.give_up(0);
        let before = book.clone();
        book.answer(&ask, Some(Leased { given: 1, left: 0 }));
        assert_eq!(book, before);
        assert_eq!(book.room(), Room::Yes, "it goes by itself");
    }

    #[test]
    fn a_limit_that_was_raised_holds_at_once() {
        let mut book = Book::default();
        book.turn_to(1, 1);
        book.count();
        assert_eq!(book.room(), Room::No);
        book.turn_to(1, 2);
        assert_ne!(book.room(), Room::No);
    }
}
