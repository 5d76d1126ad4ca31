//! Keeps what an answer yielded, in one transaction with the end of its request.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use klout_chassis::failpoint;
use klout_model::{AccountId, Network as NetworkName, SignalHash};
use klout_networks::{Listing, Mode, Network, Step, Task, Then, Visit};
use klout_proto::signal::v1::{Signal, signal::Content};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Asked, Bounds, Problem, Visitor, begin, mode_of};
use crate::{
    access,
    admission::Terms,
    error::Error,
    ingest::{self, Taken},
    store::{
        self,
        connection::Connection,
        listed::{Gone, Held},
        signal::Identity,
        task::{self, Leased},
        validator::Validator,
    },
};

/// Signals of one answer: no network answers a tenth of it.
const SIGNALS_MAX: usize = 10_000;

/// Requests that follow from one answer.
const FOLLOWING_MAX: usize = 2_000;

/// Signals that are taken back in one transaction.
const TAKEN_BACK_MAX: i64 = 5_000;

/// Whether an answer can be the next part of something that ends.
pub(super) fn check(bounds: Bounds, task: &Leased, step: &Step) -> Result<(), Problem> {
    if step.next.as_ref().is_some_and(|next| next.as_str() == task.content) {
        return Err(Problem::Endless("the next part of it is the same again"));
    }
    if step.next.is_some() && task.part >= bounds.parts_max {
        return Err(Problem::Endless("it has more parts than any list"));
    }
    if step.signals.len() > SIGNALS_MAX || step.then.len() > FOLLOWING_MAX {
        return Err(Problem::Endless("one part of it holds more than any network tells at once"));
    }
    Ok(())
}

/// Numbers of the account itself are a list of their own: each reading takes the one before back, and when nothing of the
/// account is to be left, so are they.
fn numbers(of: &Task, signals: &[Signal]) -> Option<Listing> {
    let number = |it: &Signal| match &it.content {
        Some(Content::Counter(counter)) => counter.post.is_none(),
        Some(Content::Interaction(_) | Content::Post(_) | Content::Retraction(_)) | None => false,
    };
    let all = !signals.is_empty() && signals.iter().all(number);
    all.then(|| Listing { name: format!("numbers/{}", of.kind()), under: None, last: true })
}

/// As connections name it.
const NEEDS_ACCESS: &str = "NEEDS_ACCESS";

/// When the next visit begins.
pub(super) fn next_time(now: OffsetDateTime, interval: Duration) -> OffsetDateTime {
    now + interval
}

/// What something is like that is to be asked about, to be compared with what it was like.
struct Before {
    item: Uuid,
    value: String,
    none: bool,
}

/// What is known of an address that was answered.
pub(super) struct Noted {
    /// What stands for it.
    pub(super) address: Uuid,
    /// With what it may be asked whether the answer is still the same. `None`: it is asked for whole.
    pub(super) validator: Option<Validator>,
}

impl Visitor {
    /// Keeps a step.
    pub(super) async fn keep(
        &self,
        asked: &Asked<'_>,
        step: Step,
        noted: Option<Noted>,
    ) -> Result<(), Error> {
        let store = Error::store;
        let account = asked.task.account_id;
        let mut transaction = self.db.begin().await.map_err(store("begin to keep an answer"))?;
        let held = store::connection::hold(&mut transaction, account).await;
        let Some(connection) = held.map_err(store("hold a connection"))? else {
            return Ok(());
        };
        // Its lease ran out, and somebody else made the same request meanwhile.
        let ours = task::remove(&mut transaction, account, asked.task.task_id).await;
        if !ours.map_err(store("end a request"))? {
            return Ok(());
        }
        let handle = step.account.as_ref().and_then(|it| it.handle.clone());
        let terms = Terms { now: self.clock.now(), ..self.terms.clone() };
        let listing = step.listing.or_else(|| numbers(&asked.of, &step.signals));
        let mut signals = step.signals;
        let mut listed = BTreeMap::new();
        if let Some(listing) = &listing {
            listed = self.rounds(&mut transaction, &connection, listing, &mut signals).await?;
        }
        let (taken, mut ingested) = ingest::admit(&terms, signals);
        let mut gone = Vec::new();
        if let Some(listing) = &listing {
            gone = self.list(&mut transaction, &connection, listing, &taken, &listed).await?;
        }
        let gone: BTreeSet<Identity> =
            gone.iter().map(|it| identity(account, it.sent_id)).collect();
        let gone: Vec<Identity> = gone.into_iter().collect();
        ingest::write(&mut transaction, taken, &gone, &mut ingested).await?;
        let (next, then) = (step.next, step.then);
        let full = connection.requests_done >= self.bounds.requests_max
            || connection.waiting >= self.bounds.waiting_max;
        let cut = full && !(next.is_none() && then.is_empty());
        let following = match full {
            true => 0,
            false => self.follow(&mut transaction, asked, &connection, next, then).await?,
        };
        if let Some(Noted { address, validator }) = noted {
            let noted = match validator {
                Some(validator) => {
                    store::validator::write(&mut transaction, account, address, &validator).await
                }
                None => store::validator::remove(&mut transaction, account, address).await,
            };
            noted.map_err(store("note what may be asked again"))?;
        }
        let signals = i64::from(ingested.accepted);
        let (task, handle) = (asked.task.task_id, handle.as_deref());
        store::connection::answered(&mut transaction, account, task, handle, signals)
            .await
            .map_err(store("count an answer"))?;
        let now = self.running.now();
        if cut {
            let problem = Problem::Endless("a visit has more requests than any account");
            let told = (problem.reason(), &*problem.to_string());
            let of = (account, task);
            store::connection::failed(&mut *transaction, of, Some("FAILING"), told, now)
                .await
                .map_err(store("note why a visit is cut short"))?;
        }
        let next_time = next_time(now, self.visit_interval);
        store::connection::went_on(&mut transaction, account, following - 1, next_time)
            .await
            .map_err(store("count what is to be asked"))?;
        failpoint!("connector.visit.written");
        transaction.commit().await.map_err(store("commit an answer"))?;
        failpoint!("connector.visit.committed");
        self.metrics.ingested(&ingested);
        if !ingested.batches.is_empty() {
            self.outbox_grew.ring();
        }
        if following > 0 {
            self.due.notify_waiters();
        }
        Ok(())
    }

    /// Writes the requests that follow. Returns how many there are.
    async fn follow(
        &self,
        db: &mut PgConnection,
        asked: &Asked<'_>,
        connection: &Connection,
        next: Option<Task>,
        then: Vec<Then>,
    ) -> Result<i32, Error> {
        let store = Error::store;
        let account = connection.account_id;
        let seen = asked.task.seen_item.zip(asked.task.seen_value.clone());
        // A connection that was begun once had addresses that can be read.
        let Ok(visit) = begin::visit(connection, self.clock.now()) else { return Ok(0) };
        let mut tasks = Vec::new();
        match next {
            Some(next) => {
                let part = asked.task.part + 1;
                tasks.extend(self.task(&visit, asked.network, &next, part, seen));
            }
            None => {
                if let Some((item, value)) = seen {
                    store::seen::write(&mut *db, account, item, &value)
                        .await
                        .map_err(store("note what something is like"))?;
                }
            }
        }
        tasks.extend(self.tasks(&mut *db, connection, &visit, asked.network, then).await?);
        if !tasks.is_empty() {
            task::append(&mut *db, account, &tasks, self.running.now())
                .await
                .map_err(store("write what is to be asked"))?;
        }
        Ok(i32::try_from(tasks.len()).unwrap_or(i32::MAX))
    }

    /// What is asked for the first time in a visit, without what has not changed.
    pub(super) async fn tasks(
        &self,
        db: &mut PgConnection,
        connection: &Connection,
        visit: &Visit,
        network: &'static dyn Network,
        then: Vec<Then>,
    ) -> Result<Vec<task::New>, Error> {
        let item = |it: &Then| {
            let seen = it.unless.as_ref()?;
            let item = self.hash(&connection.network, &seen.item);
            Some(Before { item, value: seen.value.clone(), none: seen.none })
        };
        let then: Vec<_> = then.into_iter().map(|it| (item(&it), it.task)).collect();
        let incremental = mode_of(connection) == Mode::Incremental;
        let before = then.iter().filter_map(|(before, _)| before.as_ref());
        let items = before.filter(|it| incremental || it.none).map(|it| it.item);
        let items: Vec<Uuid> = items.collect();
        let mut known = HashMap::new();
        if !items.is_empty() {
            let read = store::seen::read(db, connection.account_id, &items).await;
            known.extend(read.map_err(Error::store("read what things were like"))?);
        }
        let unchanged = |before: &Option<Before>| {
            before.as_ref().is_some_and(|it| match known.get(&it.item) {
                Some(value) => incremental && *value == it.value,
                None => it.none,
            })
        };
        let changed = then.into_iter().filter(|(before, _)| !unchanged(before));
        let task = |(before, task): (Option<Before>, Task)| {
            let seen = before.map(|it| (it.item, it.value));
            self.task(visit, network, &task, 0, seen)
        };
        Ok(changed.filter_map(task).collect())
    }

    /// A request as it is kept. `None`: its network cannot ask it.
    fn task(
        &self,
        visit: &Visit,
        network: &'static dyn Network,
        task: &Task,
        part: i32,
        seen: Option<(Uuid, String)>,
    ) -> Option<task::New> {
        let ask = network.ask(visit, task).ok()?;
        let host = ask.url.host_str()?.to_owned();
        Some(task::New { host, content: task.as_str().to_owned(), part, seen })
    }

    /// Gives signals of a list that had gone and came again an id of their own, as what was taken back stays so. Returns
    /// the place in the list of each, by the id that it is taken in by.
    async fn rounds(
        &self,
        db: &mut PgConnection,
        connection: &Connection,
        listing: &Listing,
        signals: &mut [Signal],
    ) -> Result<BTreeMap<SignalHash, (Uuid, i16)>, Error> {
        let name = self.hash(&connection.network, &listing.name);
        let ids: Vec<Uuid> =
            signals.iter().map(|it| self.signal(&connection.network, &it.signal_id)).collect();
        let known = store::listed::known(db, connection.account_id, name, &ids).await;
        let known: HashMap<Uuid, _> = known
            .map_err(Error::store("read what a list held"))?
            .into_iter()
            .map(|it| (it.signal_id, it))
            .collect();
        let mut places = BTreeMap::new();
        for (signal, id) in signals.iter_mut().zip(ids) {
            let round = match known.get(&id) {
                Some(known) if known.gone => known.round.saturating_add(1),
                Some(known) => known.round,
                None => 0,
            };
            if round > 0 {
                signal.signal_id = format!("{}#{round}", signal.signal_id);
            }
            let sent = self.signal(&connection.network, &signal.signal_id);
            places.insert(SignalHash(sent.into_bytes()), (id, round));
        }
        Ok(places)
    }

    /// Notes what a part of a list holds. When it was the last one: what it does not hold any more.
    async fn list(
        &self,
        db: &mut PgConnection,
        connection: &Connection,
        listing: &Listing,
        taken: &Taken,
        places: &BTreeMap<SignalHash, (Uuid, i16)>,
    ) -> Result<Vec<Gone>, Error> {
        let store = Error::store;
        let account = connection.account_id;
        let name = self.hash(&connection.network, &listing.name);
        let under = listing.under.as_deref().map(|post| self.post(&connection.network, post));
        let held = taken.iter().filter(|((subject, _), _)| *subject == AccountId(account));
        let held = held.filter_map(|((_, sent), admitted)| {
            let (signal_id, round) = *places.get(sent)?;
            let post = admitted.item.post().map(Uuid::from_bytes);
            let (sent_id, day) = (Uuid::from_bytes(sent.0), admitted.item.day()?);
            Some(Held { signal_id, sent_id, post, day, round })
        });
        let held: Vec<Held> = held.collect();
        store::listed::renew(&mut *db, account, name, under, connection.visit, &held)
            .await
            .map_err(store("note what a list holds"))?;
        if !listing.last {
            return Ok(Vec::new());
        }
        // A post that is older than the window is not told any more, and is not gone for that.
        let first_day = begin::first_day(self.clock.now()).number();
        let gone =
            store::listed::take_out(&mut *db, account, name, connection.visit, first_day).await;
        let mut gone = gone.map_err(store("look what a list does not hold any more"))?;
        let posts: Vec<Uuid> = gone.iter().filter_map(|it| it.post).collect();
        if !posts.is_empty() {
            let under = store::listed::take_out_under(&mut *db, account, &posts).await;
            gone.extend(under.map_err(store("look what was listed under a post"))?);
            // Should the posts be there again, so is what is under them, though no list has changed.
            self.ask_for_all(&mut *db, account).await?;
        }
        Ok(gone)
    }

    /// Asks no more whether what was answered is still so, as what came of it is not.
    async fn ask_for_all(&self, db: &mut PgConnection, account: i64) -> Result<(), Error> {
        let cleared = store::validator::clear(db, account).await;
        cleared.map_err(Error::store("forget what may be asked again"))
    }

    /// Gives a request up.
    pub(super) async fn give_up(&self, account: i64, task: i64) -> Result<(), Error> {
        let store = Error::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to give up"))?;
        let held = store::connection::hold(&mut transaction, account).await;
        if held.map_err(store("hold a connection"))?.is_none() {
            return Ok(());
        }
        let ours = task::remove(&mut transaction, account, task).await;
        if ours.map_err(store("end a request"))? {
            let next_time = next_time(self.running.now(), self.visit_interval);
            store::connection::went_on(&mut transaction, account, -1, next_time)
                .await
                .map_err(store("count what is to be asked"))?;
        }
        transaction.commit().await.map_err(store("commit that a request is given up"))
    }

    /// Asks nothing more about an account.
    pub(super) async fn close(&self, account: i64, state: &str) -> Result<(), Error> {
        let store = Error::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to close"))?;
        let held = store::connection::hold(&mut transaction, account).await;
        if held.map_err(store("hold a connection"))?.is_none() {
            return Ok(());
        }
        self.end_requests(&mut transaction, account, state).await?;
        transaction.commit().await.map_err(store("commit that a connection is closed"))
    }

    /// Asks nothing more about an account whose access is refused, until there is other access. When somebody connected
    /// anew meanwhile, what was refused says nothing of what was given since, and it is asked again.
    pub(super) async fn refused(&self, asked: &Asked<'_>, problem: &Problem) -> Result<(), Error> {
        let store = Error::store;
        let (account, now) = (asked.task.account_id, self.running.now());
        let mut transaction = self.db.begin().await.map_err(store("begin to close"))?;
        let held = store::connection::hold(&mut transaction, account).await;
        if held.map_err(store("hold a connection"))?.is_none() {
            return Ok(());
        }
        if access::is_replaced(&mut transaction, account, asked.lent.get()).await? {
            transaction.rollback().await.map_err(store("leave a connection open"))?;
            return self.put_off(asked.task, now, asked.task.attempts).await;
        }
        if !problem.is_usual() {
            let (of, told) = ((account, asked.task.task_id), asked.told(problem));
            let told = (problem.reason(), &*told);
            store::connection::failed(&mut *transaction, of, Some(NEEDS_ACCESS), told, now)
                .await
                .map_err(store("note why access is refused"))?;
        }
        self.end_requests(&mut transaction, account, NEEDS_ACCESS).await?;
        transaction.commit().await.map_err(store("commit that access is refused"))
    }

    /// What was to be asked is not, and the connection is in that state.
    async fn end_requests(
        &self,
        db: &mut PgConnection,
        account: i64,
        state: &str,
    ) -> Result<(), Error> {
        task::clear(&mut *db, account).await.map_err(Error::store("end requests"))?;
        let next_time = next_time(self.running.now(), self.visit_interval);
        store::connection::stop(db, account, state, next_time)
            .await
            .map_err(Error::store("close a connection"))
    }

    /// Takes back everything that lists about an account hold. Returns how much that was.
    pub(crate) async fn take_all_back(&self, account: i64) -> Result<u64, Error> {
        let store = Error::store;
        let mut count = 0;
        loop {
            let mut transaction = self.db.begin().await.map_err(store("begin to take back"))?;
            self.ask_for_all(&mut transaction, account).await?;
            let gone = store::listed::take_all_out(&mut transaction, account, TAKEN_BACK_MAX).await;
            let gone = gone.map_err(store("look what was listed"))?;
            if gone.is_empty() {
                return Ok(count);
            }
            count += gone.len() as u64;
            let gone: BTreeSet<Identity> =
                gone.iter().map(|it| identity(account, it.sent_id)).collect();
            let gone: Vec<Identity> = gone.into_iter().collect();
            let mut ingested = ingest::Ingested::default();
            ingest::write(&mut transaction, Taken::new(), &gone, &mut ingested).await?;
            transaction.commit().await.map_err(store("commit what is taken back"))?;
            self.outbox_grew.ring();
        }
    }

    /// Ends a connection. Returns how much of what it told was taken back, if all of it is to be.
    pub(crate) async fn disconnect(&self, account: i64, forget: bool) -> Result<u64, Error> {
        // First nothing more is asked, so that nothing comes after what is taken back.
        self.close(account, "GONE").await?;
        let taken_back = if forget { self.take_all_back(account).await? } else { 0 };
        let store = Error::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to end a connection"))?;
        store::connection::remove(&mut transaction, &[account])
            .await
            .map_err(store("end a connection"))?;
        transaction.commit().await.map_err(store("commit that a connection ended"))?;
        Ok(taken_back)
    }

    /// The identity of a signal, as lists have it.
    fn signal(&self, network: &str, signal_id: &str) -> Uuid {
        let network = named(network);
        Uuid::from_bytes(self.terms.key.signal(&network, signal_id).0)
    }

    /// What stands for a post.
    fn post(&self, network: &str, post: &str) -> Uuid {
        let network = named(network);
        Uuid::from_bytes(self.terms.key.post(&network, post).0)
    }

    /// What stands for anything that a network calls by a name, so that the name is not kept.
    pub(super) fn hash(&self, network: &str, name: &str) -> Uuid {
        self.signal(network, name)
    }
}

fn identity(account: i64, sent: Uuid) -> Identity {
    (AccountId(account), SignalHash(sent.into_bytes()))
}

/// # Panics
///
/// When it is no network, which none that is built in is.
fn named(network: &str) -> NetworkName {
    network.parse().expect("networks that are built in have names of networks")
}
