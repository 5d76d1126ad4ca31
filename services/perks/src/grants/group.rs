//! What waits for some campaigns, done in one transaction.
//!
//! The rows of the campaigns are held first, then the states of people. So what is read afterwards is what whoever held them
//! before has left, in this process or another, and nobody moves it until the commit. All is decided in memory, in the order
//! in which it waited, and written with as few statements as can be read.
//!
//! A campaign that is done alone is waited for. Several are not: of those only what nobody else holds is done. So whoever
//! waits for a campaign's row holds nothing, and whatever else is locked is locked after it, in one order: nobody waits in
//! a circle, and no campaign waits for another one.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use klout_chassis::{Chain, failpoint};
use sqlx::{PgConnection, Postgres, Transaction};
use time::OffsetDateTime;
use tokio::time::timeout;
use tracing::{instrument, warn};

use super::{
    Ask, Granter, Key, RequestName,
    ledger::{Entries, Ledger, unique_key},
    line::{Batch, Done, Wish},
};
use crate::{
    campaigns::Compiled,
    check_in::Stays,
    decide::{Outcome, Verdict, decide, is_active},
    error::Error,
    facts::Person,
    spec::{Codes, UniquePer},
    store::{
        self,
        before::Before,
        campaign::Kept,
        grant::Concerned,
        ledger::{Change, Held},
    },
};

/// How long a group may take: it ends what waits for a connection that is dead without a word.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Reservations whose time is over that a transaction ends of each campaign, beside those that it is about. A group that
/// decides ends all of them first, in as many transactions as it takes: any of them may hold what is asked for.
const DUE_MAX: usize = 256;

/// What came of a campaign of a group.
enum Came {
    /// Everything that was wished.
    Of(Vec<Result<Done, Error>>),
    /// Nothing but the end of so many reservations: there may be more whose time is over.
    Ended(usize),
    /// Nothing, as the version that decides was not read yet, which is not done while others wait.
    Unread(Kept),
}

/// What is wished of a campaign that is held, and its books.
struct Part<'a> {
    wishes: &'a [Wish],
    asks: Vec<&'a Ask>,
    /// The version that decides. `None`: nothing is asked for, or it cannot be read.
    deciding: Option<Arc<Compiled>>,
    /// The newest one.
    version: i32,
    ledger: Ledger,
    /// How many reservations were ended, now and before.
    ended: usize,
    /// Whether there may be more to end before anything is decided.
    only_ends: bool,
}

/// Does what is wished of several campaigns, and tells everybody what came of it. Returns what has to be done alone.
pub(super) async fn together(granter: &Granter, batches: Vec<Batch>) -> Vec<Batch> {
    let started = Instant::now();
    let wishes: Vec<_> = batches.iter().map(|it| (it.campaign, it.wishes.as_slice(), 0)).collect();
    let came = timeout(TIME_MAX, attempt(granter, &wishes, Hold::Free)).await;
    let mut came = match came {
        Ok(Ok(came)) => came,
        Ok(Err(error)) => {
            warn!(error = %Chain(&error), "a group of campaigns is done one by one");
            return batches;
        }
        Err(_) => {
            let error = Arc::new(late());
            batches.into_iter().for_each(|it| it.fail(&error));
            return Vec::new();
        }
    };
    let counts = came.values().map(|it| match it {
        Came::Of(done) => done.len(),
        Came::Ended(_) | Came::Unread(_) => 0,
    });
    granter.metrics.grouped(counts.sum(), started.elapsed());
    let mut left = Vec::new();
    for batch in batches {
        match came.remove(&batch.campaign) {
            Some(Came::Of(done)) => batch.tell(granter, done),
            Some(Came::Ended(ended)) => {
                granter.metrics.expired(ended);
                left.push(batch);
            }
            Some(Came::Unread(_)) | None => left.push(batch),
        }
    }
    left
}

/// Does what is wished of one campaign, waits for it, and tells everybody what came of it.
pub(super) async fn alone(granter: &Granter, batch: Batch) {
    let started = Instant::now();
    match timeout(TIME_MAX, until_done(granter, batch.campaign, &batch.wishes)).await {
        Ok(Ok(done)) => {
            granter.metrics.grouped(done.len(), started.elapsed());
            batch.tell(granter, done);
        }
        Ok(Err(error)) => batch.fail(&Arc::new(error)),
        Err(_) => batch.fail(&Arc::new(late())),
    }
}

async fn until_done(
    granter: &Granter,
    campaign: i64,
    wishes: &[Wish],
) -> Result<Vec<Result<Done, Error>>, Error> {
    let mut ended = 0;
    loop {
        let part = [(campaign, wishes, ended)];
        match attempt(granter, &part, Hold::Waiting).await?.remove(&campaign) {
            Some(Came::Of(done)) => return Ok(done),
            Some(Came::Ended(all)) => ended = all,
            // What cannot be read is remembered so, and found so when the campaign is held again.
            Some(Came::Unread(kept)) => match granter.campaigns.compile(&kept).await {
                Ok(_) | Err(Error::CampaignBroken { .. }) => {}
                Err(error) => return Err(error),
            },
            None => return Ok(wishes.iter().map(|wish| Err(unknown(campaign, wish))).collect()),
        }
    }
}

fn late() -> Error {
    let source = sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    Error::Store { action: "decide in time", source }
}

/// How campaigns are held.
#[derive(Clone, Copy)]
enum Hold {
    /// Those that nobody holds.
    Free,
    /// One, when nobody else holds it any more.
    Waiting,
}

/// Does what is wished of campaigns, each with how many reservations were ended before. Of those that are not there, or not
/// free, nothing comes.
#[instrument(name = "grant_group", skip_all, fields(campaigns.len = wishes.len()))]
async fn attempt(
    granter: &Granter,
    wishes: &[(i64, &[Wish], usize)],
    hold: Hold,
) -> Result<HashMap<i64, Came>, Error> {
    let mut came = HashMap::new();
    // Who waited for them has left.
    let wishes = wishes.iter().filter(|(campaign, wishes, _)| {
        let any = !wishes.is_empty();
        if !any {
            came.insert(*campaign, Came::Of(Vec::new()));
        }
        any
    });
    let wishes: HashMap<i64, (&[Wish], usize)> =
        wishes.map(|(campaign, wishes, ended)| (*campaign, (*wishes, *ended))).collect();
    if wishes.is_empty() {
        return Ok(came);
    }
    let begun = granter.db.begin().await;
    let mut transaction = begun.map_err(Error::store("begin a group"))?;
    let db = &mut *transaction;
    let campaigns: Vec<i64> = wishes.keys().copied().collect();
    let held = match (hold, campaigns.as_slice()) {
        (Hold::Waiting, [campaign]) => {
            store::ledger::hold(&mut *db, *campaign).await.map(|it| it.into_iter().collect())
        }
        (Hold::Waiting | Hold::Free, campaigns) => {
            store::ledger::hold_free(&mut *db, campaigns).await
        }
    };
    let held: Vec<Held> = held.map_err(Error::store("hold campaigns"))?;
    // Not before: others may have held one for long.
    let now = granter.now();
    let mut parts = Vec::new();
    for held in held {
        let Some((wishes, ended)) = wishes.get(&held.campaign) else { continue };
        let asks: Vec<&Ask> = wishes.iter().filter_map(asked_for).collect();
        let version = match deciding(granter, &mut *db, &held, &asks).await? {
            Deciding::Version(version) => Some(version),
            Deciding::Nothing | Deciding::Broken => None,
            Deciding::Unread(kept) => {
                came.insert(held.campaign, Came::Unread(kept));
                continue;
            }
        };
        parts.push(Part {
            wishes,
            asks,
            deciding: version,
            version: held.version,
            ledger: Ledger::open(now, held),
            ended: *ended,
            only_ends: false,
        });
    }
    if parts.is_empty() {
        transaction.rollback().await.map_err(Error::store("let campaigns go"))?;
        return Ok(came);
    }
    let before = before(&mut *db, &parts, now).await?;
    bring_grants(&mut *db, &mut parts, now).await?;
    for part in &mut parts {
        part.end(&mut *db).await?;
        part.bring(&mut *db, &before).await?;
    }
    let asks = parts.iter().filter(|it| !it.only_ends).flat_map(|it| &it.asks);
    let check_ins = asks.filter_map(|ask| ask.check_in.as_ref());
    let mut stays = Stays::hold(&mut *db, check_ins, now).await?;
    for part in &mut parts {
        let came_of = match part.only_ends {
            true => Came::Ended(part.ended),
            false => Came::Of(part.decide_all(granter, &before, &mut stays, now)),
        };
        came.insert(part.ledger.campaign(), came_of);
    }
    let ended: usize = parts.iter().filter(|it| !it.only_ends).map(|it| it.ended).sum();
    write(transaction, parts, stays).await?;
    granter.metrics.expired(ended);
    Ok(came)
}

/// Which version of a campaign decides.
enum Deciding {
    /// Nobody asks.
    Nothing,
    Version(Arc<Compiled>),
    /// It cannot be read.
    Broken,
    /// It was not read yet, which is not done while others wait.
    Unread(Kept),
}

/// By which version it is decided.
async fn deciding(
    granter: &Granter,
    db: &mut PgConnection,
    held: &Held,
    asks: &[&Ask],
) -> Result<Deciding, Error> {
    let Some(first) = asks.first() else { return Ok(Deciding::Nothing) };
    let is_newest = |ask: &&&Ask| {
        ask.campaign.version == held.version && ask.campaign.state.as_str() == held.state
    };
    if let Some(newest) = asks.iter().find(is_newest) {
        return Ok(Deciding::Version(Arc::clone(&newest.campaign)));
    }
    let id = first.campaign.id;
    let kept = store::campaign::find(&mut *db, id, None).await;
    let kept = kept.map_err(Error::store("read a campaign"))?;
    let kept = kept.ok_or_else(|| Error::no_campaign(id))?;
    // Whoever asks next is not to be told by what it was before.
    granter.campaigns.forget(id);
    Ok(match granter.campaigns.known(&kept) {
        Some(Ok(campaign)) => Deciding::Version(Arc::new(campaign)),
        // It was logged, and whoever asks is told; what else the group wants is done.
        Some(Err(_)) => Deciding::Broken,
        None => Deciding::Unread(kept),
    })
}

/// What there was before of all that is asked for.
async fn before(
    db: &mut PgConnection,
    parts: &[Part<'_>],
    now: OffsetDateTime,
) -> Result<Before, Error> {
    let (mut requests, mut people, mut keys) = (Vec::new(), HashSet::new(), BTreeSet::new());
    for part in parts {
        let campaign = part.ledger.campaign();
        for ask in &part.asks {
            requests.push((campaign, ask.name()));
            people.insert(ask.person.get());
            keys.insert((campaign, Key::Day(now.date())));
            keys.insert((campaign, Key::Person(ask.person.get())));
            if !ask.property.is_empty() {
                keys.insert((campaign, Key::Property(ask.property.clone())));
            }
        }
    }
    if requests.is_empty() {
        return Ok(Before::default());
    }
    let (people, keys) = (Vec::from_iter(people), Vec::from_iter(keys));
    let before = store::before::find(db, &requests, &people, &keys).await;
    before.map_err(Error::store("look what was before"))
}

/// Brings the books all grants that a group is about.
async fn bring_grants(
    db: &mut PgConnection,
    parts: &mut [Part<'_>],
    now: OffsetDateTime,
) -> Result<(), Error> {
    let mut concerned = Concerned::default();
    for part in &*parts {
        let campaign = part.ledger.campaign();
        concerned.campaigns.push(campaign);
        let named = part.wishes.iter().filter_map(|wish| match wish {
            Wish::Step { grant, .. } => Some((campaign, *grant)),
            Wish::Reserve(_) | Wish::Expire => None,
        });
        concerned.grants.extend(named);
        let Some(compiled) = &part.deciding else { continue };
        let key = |ask: &&Ask| {
            unique_key(&compiled.spec, ask.person.get(), &ask.property, &ask.stay).ok()
        };
        let keys: BTreeSet<String> = part.asks.iter().filter_map(key).collect();
        concerned.unique_keys.extend(keys.into_iter().map(|key| (campaign, key)));
        // After a merge somebody may have one that does not hold their key.
        if compiled.spec.unique_per == UniquePer::Person {
            concerned.people.extend(part.asks.iter().map(|ask| (campaign, ask.person.get())));
        }
    }
    let due_max = i64::try_from(DUE_MAX).expect("a few");
    let grants = store::grant::concerned(db, &concerned, now, due_max).await;
    let mut by_campaign = HashMap::<i64, Vec<_>>::new();
    for grant in grants.map_err(Error::store("read grants"))? {
        by_campaign.entry(grant.campaign).or_default().push(grant);
    }
    for part in parts {
        let grants = by_campaign.remove(&part.ledger.campaign());
        part.ledger.bring_grants(grants.unwrap_or_default());
    }
    Ok(())
}

// === impl Part ===

impl Part<'_> {
    /// Ends reservations whose time is over, and has their codes back before others are given.
    async fn end(&mut self, db: &mut PgConnection) -> Result<(), Error> {
        let expired = self.ledger.expire();
        self.ended += expired;
        self.only_ends = expired >= DUE_MAX && !self.asks.is_empty();
        let returned = self.ledger.take_returned_codes();
        if !returned.is_empty() {
            let back = store::code::give_back(db, self.ledger.campaign(), &returned).await;
            back.map_err(Error::store("have codes back"))?;
        }
        Ok(())
    }

    /// Brings the books what they count by, and the codes that can be given.
    async fn bring(&mut self, db: &mut PgConnection, before: &Before) -> Result<(), Error> {
        let campaign = self.ledger.campaign();
        let Some(compiled) = &self.deciding else { return Ok(()) };
        let codes = if compiled.spec.codes == Codes::Uploaded {
            let max = i64::try_from(self.asks.len()).unwrap_or(i64::MAX);
            let left = store::code::next(db, campaign, max).await;
            left.map_err(Error::store("read codes"))?
        } else {
            Vec::new()
        };
        self.ledger.bring(before.taken.get(&campaign).cloned().unwrap_or_default(), codes);
        Ok(())
    }

    /// Does what is wished in memory.
    fn decide_all(
        &mut self,
        granter: &Granter,
        before: &Before,
        stays: &mut Stays,
        now: OffsetDateTime,
    ) -> Vec<Result<Done, Error>> {
        let mut decided = HashMap::new();
        let mut done = Vec::new();
        for wish in self.wishes {
            done.push(match wish {
                Wish::Reserve(ask) => self.reserve(granter, before, stays, &mut decided, ask, now),
                Wish::Step { grant, step, why } => {
                    self.ledger.step(*grant, *step, why).map(Box::new).map(Done::Stepped)
                }
                Wish::Expire => Ok(Done::Expired(self.ended)),
            });
        }
        done
    }

    /// Decides on one reservation; `decided`: those before it in the group.
    fn reserve(
        &mut self,
        granter: &Granter,
        before: &Before,
        stays: &mut Stays,
        decided: &mut HashMap<RequestName, [u8; 32]>,
        ask: &Ask,
        now: OffsetDateTime,
    ) -> Result<Done, Error> {
        let name = (ask.campaign.id, ask.name());
        let known = before.known.get(&name).map(Vec::as_slice);
        let name = name.1;
        let known = known.or_else(|| decided.get(&name).map(<[u8; 32]>::as_slice));
        if let Some(fingerprint) = known {
            let is_same = fingerprint == ask.fingerprint;
            return if is_same { Ok(Done::Known(name)) } else { Err(Error::RequestIdReused) };
        }
        if before.gone.contains(&ask.person.get()) {
            return Err(Error::PersonUnknown);
        }
        let broken = || Error::CampaignBroken { campaign: ask.campaign.id, version: self.version };
        let campaign = self.deciding.as_ref().ok_or_else(broken)?;
        let verdict = verdict(granter, ask, campaign, now);
        let verdict = stays.narrow(ask.check_in.as_ref(), verdict)?;
        let reserved = self.ledger.reserve(ask, campaign, verdict)?;
        decided.insert(name, ask.fingerprint);
        if let Some(check_in) = &ask.check_in {
            stays.tell(check_in, &reserved.decision);
        }
        Ok(Done::Decided(Box::new(reserved)))
    }
}

/// What the version that decides says about somebody now: another one than they asked by may say something else, and
/// its period may have begun or ended since.
fn verdict(granter: &Granter, ask: &Ask, campaign: &Compiled, now: OffsetDateTime) -> Verdict {
    let asked = &ask.campaign;
    let is_same = (asked.version, asked.state) == (campaign.version, campaign.state);
    let was_active = ask.verdict.outcome != Outcome::NotActive;
    if is_same && was_active == is_active(campaign, now) {
        return ask.verdict.clone();
    }
    let person = Person { id: ask.person, facts: ask.known.clone() };
    decide(campaign, &person, &ask.property, now, &granter.hold_out)
}

/// Writes the books and commits.
async fn write(
    mut transaction: Transaction<'_, Postgres>,
    parts: Vec<Part<'_>>,
    stays: Stays,
) -> Result<(), Error> {
    let store = Error::store;
    let closed: Vec<_> =
        parts.into_iter().map(|it| (it.ledger.campaign(), it.ledger.close())).collect();
    let is_of_nothing =
        |entries: &Entries| entries.decisions.is_empty() && entries.moved.is_empty();
    if closed.iter().all(|(_, (entries, _))| is_of_nothing(entries)) {
        return Ok(());
    }
    let db = &mut *transaction;
    let (mut moved, mut decided) = (Vec::new(), Vec::new());
    let (mut fewer, mut more, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    for (campaign, (entries, grants)) in &closed {
        moved.extend(entries.moved.iter().filter_map(|id| grants.get(id)));
        let given = |grant: Option<i64>| grant.and_then(|id| grants.get(&id));
        decided.extend(entries.decisions.iter().map(|it| (it, given(it.grant))));
        for (key, by) in &entries.budgets {
            match by.cmp(&0) {
                Ordering::Less => fewer.push((*campaign, key.clone(), *by)),
                Ordering::Equal => {}
                Ordering::Greater => more.push((*campaign, key.clone(), *by)),
            }
        }
        if entries.change != Change::default() {
            changes.push((*campaign, entries.change));
        }
    }
    // Who let go of a key comes before who takes it.
    if !moved.is_empty() {
        store::grant::put(&mut *db, &moved).await.map_err(store("move grants"))?;
    }
    if !fewer.is_empty() {
        let back = store::ledger::give_back(&mut *db, &fewer).await;
        back.map_err(store("have budgets back"))?;
    }
    let written = store::ledger::write(&mut *db, &decided, &more, &changes).await;
    written.map_err(store("write what is decided"))?;
    for (campaign, (Entries { codes_given, codes_returned, .. }, _)) in &closed {
        if !codes_given.is_empty() {
            let given = store::code::give(&mut *db, *campaign, codes_given).await;
            given.map_err(store("give codes"))?;
        }
        if !codes_returned.is_empty() {
            let back = store::code::give_back(&mut *db, *campaign, codes_returned).await;
            back.map_err(store("have codes back"))?;
        }
    }
    stays.write(&mut *db).await?;
    failpoint!("perks.group.written");
    transaction.commit().await.map_err(store("commit a group"))?;
    failpoint!("perks.group.committed");
    Ok(())
}

// === impl Batch ===

impl Batch {
    /// Tells everybody what came of their wish.
    fn tell(mut self, granter: &Granter, done: Vec<Result<Done, Error>>) {
        for (done, answer) in done.into_iter().zip(self.answers.drain(..)) {
            if let Ok(Done::Decided(decided)) = &done {
                granter.metrics.decided(&decided.decision.outcome);
            }
            // Who has left meanwhile finds it written down when they ask again.
            let _ = answer.send(done);
        }
    }

    fn fail(mut self, error: &Arc<Error>) {
        for answer in self.answers.drain(..) {
            let _ = answer.send(Err(Error::Shared(Arc::clone(error))));
        }
    }
}

fn asked_for(wish: &Wish) -> Option<&Ask> {
    match wish {
        Wish::Reserve(ask) => Some(&**ask),
        Wish::Step { .. } | Wish::Expire => None,
    }
}

/// What is said of a campaign that is not there.
fn unknown(campaign: i64, wish: &Wish) -> Error {
    match wish {
        Wish::Step { grant, .. } => Error::GrantUnknown { grant: grant.to_string() },
        Wish::Reserve(_) | Wish::Expire => Error::no_campaign(campaign),
    }
}
