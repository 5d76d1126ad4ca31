//! How often a key may call: so often a second, and so often a UTC day, over all gateways.
//!
//! A call looks at the account of its key, in memory. Blocks of calls are fetched from Redis beside, by one loop for
//! all keys; a call waits for that only when its gateway has used up its block before the next one came.

mod book;
mod standing;
mod told;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use klout_store::{Lease, Leased, Leases};
use klout_telemetry::Counter;
use quick_cache::sync::Cache;
use time::OffsetDateTime;
use tokio::{
    sync::{Mutex as AsyncMutex, Notify, mpsc},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use self::{
    book::{Ask, Book, Room},
    standing::{Line, Span, Standing},
    told::note,
};
pub(crate) use self::{
    standing::{HEADERS, Reached},
    told::{Noting, noting, tell, tell_noted},
};
use crate::metrics;

/// Keys whose accounts are kept, of some 200 bytes each; those that call seldom are forgotten first.
const ACCOUNTS_MAX: usize = 100_000;

/// Questions that wait to be sent; with more, gateways go by themselves.
const ASKS_MAX: usize = 4_096;

/// Questions that are sent at once.
const ASKS_AT_ONCE: usize = 256;

/// How long Redis keeps the count of a window after it was last asked: clocks of gateways differ.
const KEPT_AFTER: Duration = Duration::from_secs(60);

/// The largest limit: what headers can say (RFC 9651, integers).
const LIMIT_MAX: u64 = 999_999_999_999_999;

/// How often keys may call. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Limits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    leases: Leases,
    accounts: Cache<String, Arc<Account>>,
    asks: mpsc::Sender<Question>,
    /// Taken by the loop.
    asked: AsyncMutex<mpsc::Receiver<Question>>,
    metrics: LimitMetrics,
}

#[derive(Debug)]
struct LimitMetrics {
    reached: [Counter; 2],
    waited: Counter,
    given: Counter,
    spent: Counter,
    failed: Counter,
}

/// What is known of one key.
#[derive(Debug)]
struct Account {
    key: String,
    books: Mutex<[Book; 2]>,
    /// Rung when an answer came.
    answered: Notify,
}

/// A question for Redis, of one key.
#[derive(Debug)]
struct Question {
    account: Arc<Account>,
    span: Span,
    ask: Ask,
}

/// What became of a call.
#[derive(Debug)]
enum Taken {
    Yes(Standing),
    No(Reached),
    Wait,
}

// === impl Limits ===

impl Limits {
    pub(crate) fn new(leases: Leases) -> Self {
        let accounts = Cache::new(ACCOUNTS_MAX);
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        let asked = AsyncMutex::new(asked);
        let metrics = LimitMetrics::new();
        Self(Arc::new(Inner { leases, accounts, asks, asked, metrics }))
    }

    /// Counts a call of `key`, which may call `per_second` and `per_day` times; 0: as often as it likes. Whoever answers
    /// inside of [`tell`] tells how far the key is.
    ///
    /// # Errors
    ///
    /// When one of the two is used up.
    pub(crate) async fn take(
        &self,
        key: &str,
        per_second: u64,
        per_day: u64,
        now: OffsetDateTime,
    ) -> Result<(), Reached> {
        let limits = [per_second.min(LIMIT_MAX), per_day.min(LIMIT_MAX)];
        if limits == [0, 0] {
            return Ok(());
        }
        let (account, now_ms) = (self.account(key), milliseconds(now));
        // Most calls end here.
        let taken = match self.try_take(&account, limits, now_ms) {
            Taken::Yes(standing) => Ok(standing),
            Taken::No(reached) => Err(reached),
            Taken::Wait => self.take_or_wait(&account, limits, now_ms).await,
        };
        match taken {
            Ok(standing) => {
                note(standing);
                Ok(())
            }
            Err(reached) => {
                note(reached.standing);
                self.0.metrics.reached[reached.line.span.place()].increment(1);
                Err(reached)
            }
        }
    }

    /// The same where there is room in memory. `false`: nothing was counted, and [`take`](Self::take) tells why.
    pub(crate) fn take_at_once(
        &self,
        key: &str,
        per_second: u64,
        per_day: u64,
        now: OffsetDateTime,
    ) -> bool {
        let limits = [per_second.min(LIMIT_MAX), per_day.min(LIMIT_MAX)];
        if limits == [0, 0] {
            return true;
        }
        match self.try_take(&self.account(key), limits, milliseconds(now)) {
            Taken::Yes(standing) => {
                note(standing);
                true
            }
            Taken::No(_) | Taken::Wait => false,
        }
    }

    /// The same of a key whose block is used up while the next one is on its way.
    async fn take_or_wait(
        &self,
        account: &Arc<Account>,
        limits: [u64; 2],
        now_ms: i64,
    ) -> Result<Standing, Reached> {
        self.0.metrics.waited.increment(1);
        let end = Instant::now() + self.0.leases.wait_max();
        loop {
            // Before it is looked again, so that no answer is missed.
            let mut answered = std::pin::pin!(account.answered.notified());
            answered.as_mut().enable();
            match self.try_take(account, limits, now_ms) {
                Taken::Yes(standing) => return Ok(standing),
                Taken::No(reached) => return Err(reached),
                Taken::Wait => {}
            }
            if timeout_at(end, answered).await.is_err() {
                account.give_up(now_ms);
            }
        }
    }

    /// Asks Redis for blocks, until `stop` is cancelled. Is called once.
    pub(crate) async fn keep(&self, stop: &CancellationToken) {
        let mut asked = self.0.asked.lock().await;
        loop {
            let mut questions = Vec::new();
            let some = tokio::select! {
                some = asked.recv_many(&mut questions, ASKS_AT_ONCE) => some > 0,
                () = stop.cancelled() => false,
            };
            if !some {
                return;
            }
            let leases: Vec<_> = questions.iter().map(Question::lease).collect();
            let leased = self.0.leases.take(&leases).await;
            for (question, leased) in questions.iter().zip(leased) {
                self.0.metrics.answered(&question.ask, leased);
                question.account.answer(question.span, &question.ask, leased);
            }
        }
    }

    fn account(&self, key: &str) -> Arc<Account> {
        let opened = || Ok::<_, Infallible>(Arc::new(Account::new(key.to_owned())));
        let Ok(account) = self.0.accounts.get_or_insert_with(key, opened);
        account
    }

    fn try_take(&self, account: &Arc<Account>, limits: [u64; 2], now_ms: i64) -> Taken {
        let (taken, asks) = account.take(limits, now_ms);
        for (span, ask) in Span::ALL.into_iter().zip(asks) {
            let Some(ask) = ask else { continue };
            let question = Question { account: Arc::clone(account), span, ask };
            let sent = !self.0.leases.is_none() && self.0.asks.try_send(question).is_ok();
            if !sent {
                account.answer(span, &ask, None);
            }
        }
        taken
    }
}

fn milliseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

// === impl Account ===

impl Account {
    fn new(key: String) -> Self {
        Self { key, books: Mutex::default(), answered: Notify::new() }
    }

    /// Counts a call in both windows or in none, and says what has to be asked.
    fn take(&self, limits: [u64; 2], now_ms: i64) -> (Taken, [Option<Ask>; 2]) {
        let mut books = self.books.lock().expect("nobody panics while holding it");
        let mut rooms = [Room::Yes; 2];
        for span in Span::ALL {
            let place = span.place();
            books[place].turn_to(span.window(now_ms), limits[place]);
            if limits[place] > 0 {
                rooms[place] = books[place].room();
            }
        }
        let all = rooms == [Room::Yes; 2];
        let mut asks = [None; 2];
        for place in [0, 1] {
            if limits[place] > 0 {
                if all {
                    books[place].count();
                }
                asks[place] = books[place].ask(now_ms);
            }
        }
        let line = |place: usize| {
            let (span, book) = (Span::ALL[place], &books[place]);
            let (limit, remaining) = (limits[place], book.remaining());
            let reset_ms = span.end_ms(book.window());
            (limit > 0).then_some(Line { span, limit, remaining, reset_ms })
        };
        let standing = Standing { lines: [line(0), line(1)], now_ms };
        // Of two that are used up the one is told that lasts longer.
        let full = [1, 0].into_iter().find(|place| rooms[*place] == Room::No);
        let taken = match full.and_then(|place| standing.lines[place]) {
            Some(line) => Taken::No(Reached { line: Line { remaining: 0, ..line }, standing }),
            None if all => Taken::Yes(standing),
            None => Taken::Wait,
        };
        (taken, asks)
    }

    fn answer(&self, span: Span, ask: &Ask, leased: Option<Leased>) {
        let mut books = self.books.lock().expect("nobody panics while holding it");
        books[span.place()].answer(ask, leased);
        drop(books);
        self.answered.notify_waiters();
    }

    /// Waits for no answer any more.
    fn give_up(&self, now_ms: i64) {
        let mut books = self.books.lock().expect("nobody panics while holding it");
        books.iter_mut().for_each(|book| book.give_up(now_ms));
        drop(books);
        self.answered.notify_waiters();
    }
}

// === impl Question ===

impl Question {
    fn lease(&self) -> Lease {
        let Ask { window, limit, owed, wanted, .. } = self.ask;
        let key = format!("limit:{}:{}:{window}", self.account.key, self.span.name());
        let span = Duration::from_secs(self.span.seconds().unsigned_abs());
        Lease { key, all: limit, owed, wanted, time_to_live: span + KEPT_AFTER }
    }
}

// === impl LimitMetrics ===

impl LimitMetrics {
    fn new() -> Self {
        Self {
            reached: Span::ALL.map(|span| metrics::LIMIT_REACHED.count(&[span.name()])),
            waited: metrics::LIMIT_WAITS.count(&[]),
            given: metrics::LIMIT_LEASES.count(&["given"]),
            spent: metrics::LIMIT_LEASES.count(&["spent"]),
            failed: metrics::LIMIT_LEASES.count(&["failed"]),
        }
    }

    fn answered(&self, ask: &Ask, leased: Option<Leased>) {
        let counter = match leased {
            Some(leased) if leased.given < ask.wanted => &self.spent,
            Some(_) => &self.given,
            None => &self.failed,
        };
        counter.increment(1);
    }
}
