//! A group of what waits for one campaign, done in one transaction.
//!
//! The campaign's row is held first, then the states of people. So what is read afterwards is what whoever held it before
//! has left, in this process or another, and nobody moves it until the commit. All is decided in memory, in the order in
//! which it waited, and written with as few statements as can be read. Whoever holds a campaign's row holds no other
//! campaign's, and whatever else is locked is locked after it: nobody waits in a circle.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use klout_chassis::failpoint;
use sqlx::{PgConnection, Postgres, Transaction};
use time::OffsetDateTime;
use tokio::time::timeout;
use tracing::instrument;

use super::{
    Ask, Granter, Key, Recorded, RequestName,
    ledger::{Entries, Ledger, unique_key},
    line::{Done, Wish, Work},
};
use crate::{
    campaigns::Compiled,
    check_in::Stays,
    decide::{Outcome, Verdict, decide, is_active},
    error::Error,
    facts::Person,
    spec::{Codes, UniquePer},
    store::{self, before::Before, campaign::Kept, ledger::Held},
};

/// How long a group may take: it ends what waits for a connection that is dead without a word.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Reservations whose time is over that a transaction ends, beside those that it is about. A group that decides ends all
/// of them first, in as many transactions as it takes: any of them may hold what is asked for.
const DUE_MAX: usize = 256;

/// What a group needs to know before anything is decided.
struct Asked<'a> {
    /// The version that decides. `None`: nothing is asked for, or it cannot be read.
    campaign: Option<Arc<Compiled>>,
    /// The newest one.
    version: i32,
    asks: Vec<&'a Ask>,
    before: Before,
}

/// Does what a group wants, and tells everybody what came of it.
pub(super) async fn run(granter: &Granter, campaign: i64, group: Vec<Work>) {
    let started = Instant::now();
    let (wishes, answers): (Vec<_>, Vec<_>) =
        group.into_iter().map(|Work { wish, answer }| (wish, answer)).unzip();
    let done = timeout(TIME_MAX, commit(granter, campaign, &wishes)).await;
    let late = |_| {
        let source = sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        Err(Error::Store { action: "decide in time", source })
    };
    match done.unwrap_or_else(late) {
        Ok(done) => {
            granter.metrics.grouped(done.len(), started.elapsed());
            for (done, answer) in done.into_iter().zip(answers) {
                if let Ok(Done::Decided(decided)) = &done {
                    granter.metrics.decided(&decided.decision.outcome);
                }
                // Who has left meanwhile finds it written down when they ask again.
                let _ = answer.send(done);
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for answer in answers {
                let _ = answer.send(Err(Error::Shared(Arc::clone(&error))));
            }
        }
    }
}

#[instrument(name = "grant_group", skip_all, fields(campaign, wishes.len = wishes.len()))]
async fn commit(
    granter: &Granter,
    campaign: i64,
    wishes: &[Wish],
) -> Result<Vec<Result<Done, Error>>, Error> {
    let mut ended = 0;
    loop {
        let begun = granter.db.begin().await;
        let mut transaction = begun.map_err(Error::store("begin a group"))?;
        let held = store::ledger::hold(&mut transaction, campaign).await;
        let Some(held) = held.map_err(Error::store("hold a campaign"))? else {
            return Ok(wishes.iter().map(|wish| Err(unknown(campaign, wish))).collect());
        };
        // Not before: others may have held it for long.
        let now = granter.now();
        let asks: Vec<&Ask> = wishes.iter().filter_map(asked_for).collect();
        let version = match deciding(granter, &mut transaction, &held, &asks).await? {
            Deciding::Version(version) => Some(version),
            Deciding::Nothing | Deciding::Broken => None,
            Deciding::Unread(kept) => {
                transaction.rollback().await.map_err(Error::store("let a campaign go"))?;
                // What cannot be read is remembered so, and found so when the campaign is held again.
                match granter.campaigns.compile(&kept).await {
                    Ok(_) | Err(Error::CampaignBroken { .. }) => continue,
                    Err(error) => return Err(error),
                }
            }
        };
        let asked = ask(&mut transaction, campaign, held.version, version, asks, now).await?;
        let mut ledger = open(&mut transaction, campaign, now, held, wishes, &asked).await?;
        let expired = expire(&mut transaction, campaign, &mut ledger).await?;
        ended += expired;
        if expired >= DUE_MAX && !asked.asks.is_empty() {
            // There may be more.
            write(transaction, campaign, ledger, Stays::default()).await?;
            continue;
        }
        bring(&mut transaction, campaign, &mut ledger, &asked).await?;
        let check_ins = asked.asks.iter().filter_map(|ask| ask.check_in.as_ref());
        let mut stays = Stays::hold(&mut transaction, check_ins, now).await?;
        let done = decide_all(granter, &mut ledger, &mut stays, &asked, wishes, ended, now);
        write(transaction, campaign, ledger, stays).await?;
        granter.metrics.expired(ended);
        return Ok(done);
    }
}

/// Does what a group wants in memory; `expired`: what it ended before.
fn decide_all(
    granter: &Granter,
    ledger: &mut Ledger,
    stays: &mut Stays,
    asked: &Asked<'_>,
    wishes: &[Wish],
    expired: usize,
    now: OffsetDateTime,
) -> Vec<Result<Done, Error>> {
    let mut decided = HashMap::new();
    let done = wishes.iter().map(|wish| match wish {
        Wish::Reserve(ask) => reserve(granter, ledger, stays, asked, &mut decided, ask, now),
        Wish::Step { grant, step, why } => {
            ledger.step(*grant, *step, why).map(Box::new).map(Done::Stepped)
        }
        Wish::Expire => Ok(Done::Expired(expired)),
    });
    done.collect()
}

/// Which version decides.
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

/// What is asked for, and what there was before. `compiled`: by which it is decided.
async fn ask<'a>(
    db: &mut PgConnection,
    campaign: i64,
    version: i32,
    compiled: Option<Arc<Compiled>>,
    asks: Vec<&'a Ask>,
    now: OffsetDateTime,
) -> Result<Asked<'a>, Error> {
    let before = if asks.is_empty() {
        Before::default()
    } else {
        let names: Vec<RequestName> = asks.iter().map(|ask| ask.name()).collect();
        let people: Vec<i64> = asks.iter().map(|ask| ask.person.get()).collect();
        let mut keys = BTreeSet::from([Key::Day(now.date())]);
        for ask in &asks {
            keys.insert(Key::Person(ask.person.get()));
            if !ask.property.is_empty() {
                keys.insert(Key::Property(ask.property.clone()));
            }
        }
        let keys = Vec::from_iter(keys);
        let before = store::before::find(db, campaign, &names, &people, &keys).await;
        before.map_err(Error::store("look what was before"))?
    };
    Ok(Asked { campaign: compiled, version, asks, before })
}

/// Opens the books with all grants that a group is about.
async fn open(
    db: &mut PgConnection,
    campaign: i64,
    now: OffsetDateTime,
    held: Held,
    wishes: &[Wish],
    asked: &Asked<'_>,
) -> Result<Ledger, Error> {
    let named: Vec<i64> = wishes
        .iter()
        .filter_map(|wish| match wish {
            Wish::Step { grant, .. } => Some(*grant),
            Wish::Reserve(_) | Wish::Expire => None,
        })
        .collect();
    let keys: BTreeSet<String> = asked
        .campaign
        .iter()
        .flat_map(|campaign| {
            let key = |ask: &&Ask| {
                unique_key(&campaign.spec, ask.person.get(), &ask.property, &ask.stay).ok()
            };
            asked.asks.iter().filter_map(key)
        })
        .collect();
    let keys: Vec<String> = keys.into_iter().collect();
    // After a merge somebody may have one that does not hold their key.
    let is_of_people = |it: &&Arc<Compiled>| it.spec.unique_per == UniquePer::Person;
    let people: Vec<i64> = match asked.campaign.as_ref().filter(is_of_people) {
        Some(_) => asked.asks.iter().map(|ask| ask.person.get()).collect(),
        None => Vec::new(),
    };
    let due_max = i64::try_from(DUE_MAX).expect("a few");
    let grants = store::grant::concerned(db, campaign, &named, &keys, &people, now, due_max).await;
    Ok(Ledger::open(now, held, grants.map_err(Error::store("read grants"))?))
}

/// Ends reservations whose time is over, and has their codes back before others are given. Returns how many.
async fn expire(db: &mut PgConnection, campaign: i64, ledger: &mut Ledger) -> Result<usize, Error> {
    let expired = ledger.expire();
    let returned = ledger.take_returned_codes();
    if !returned.is_empty() {
        let back = store::code::give_back(db, campaign, &returned).await;
        back.map_err(Error::store("have codes back"))?;
    }
    Ok(expired)
}

/// Brings the books what they count by, and the codes that can be given.
async fn bring(
    db: &mut PgConnection,
    campaign: i64,
    ledger: &mut Ledger,
    asked: &Asked<'_>,
) -> Result<(), Error> {
    let Some(compiled) = &asked.campaign else { return Ok(()) };
    let codes = if compiled.spec.codes == Codes::Uploaded {
        let max = i64::try_from(asked.asks.len()).unwrap_or(i64::MAX);
        let left = store::code::next(db, campaign, max).await;
        left.map_err(Error::store("read codes"))?
    } else {
        Vec::new()
    };
    ledger.bring(asked.before.taken.clone(), codes);
    Ok(())
}

/// Decides on one reservation; `decided`: those before it in the group.
fn reserve(
    granter: &Granter,
    ledger: &mut Ledger,
    stays: &mut Stays,
    asked: &Asked<'_>,
    decided: &mut HashMap<RequestName, [u8; 32]>,
    ask: &Ask,
    now: OffsetDateTime,
) -> Result<Done, Error> {
    let name = ask.name();
    let known = asked.before.known.get(&name).map(Vec::as_slice);
    let known = known.or_else(|| decided.get(&name).map(<[u8; 32]>::as_slice));
    if let Some(fingerprint) = known {
        let is_same = fingerprint == ask.fingerprint;
        return if is_same { Ok(Done::Known(name)) } else { Err(Error::RequestIdReused) };
    }
    if asked.before.gone.contains(&ask.person.get()) {
        return Err(Error::PersonUnknown);
    }
    let broken = || Error::CampaignBroken { campaign: ask.campaign.id, version: asked.version };
    let campaign = asked.campaign.as_ref().ok_or_else(broken)?;
    let verdict = verdict(granter, ask, campaign, now);
    let verdict = stays.narrow(ask.check_in.as_ref(), verdict)?;
    let reserved = ledger.reserve(ask, campaign, verdict)?;
    decided.insert(name, ask.fingerprint);
    if let Some(check_in) = &ask.check_in {
        stays.tell(check_in, &reserved.decision);
    }
    Ok(Done::Decided(Box::new(reserved)))
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
    campaign: i64,
    ledger: Ledger,
    stays: Stays,
) -> Result<(), Error> {
    let (entries, grants) = ledger.close();
    let Entries { moved, decisions, change, budgets, codes_given, codes_returned } = entries;
    if decisions.is_empty() && moved.is_empty() {
        return Ok(());
    }
    let store = Error::store;
    let db = &mut *transaction;
    // Who let go of a key comes before who takes it.
    if !moved.is_empty() {
        let moved: Vec<_> = moved.iter().filter_map(|id| grants.get(id)).collect();
        store::grant::put(&mut *db, campaign, &moved).await.map_err(store("move grants"))?;
    }
    let given = |it: &Recorded| it.grant.and_then(|id| grants.get(&id));
    let decided: Vec<_> = decisions.iter().map(|it| (it, given(it))).collect();
    let changed = budgets.into_iter().filter(|(_, by)| *by != 0);
    let (fewer, more): (Vec<(Key, i64)>, Vec<_>) = changed.partition(|(_, by)| *by < 0);
    if !fewer.is_empty() {
        let back = store::ledger::give_back(&mut *db, campaign, &fewer).await;
        back.map_err(store("have budgets back"))?;
    }
    let written = store::ledger::write(&mut *db, campaign, &decided, &more, &change).await;
    written.map_err(store("write what is decided"))?;
    if !codes_given.is_empty() {
        store::code::give(&mut *db, campaign, &codes_given).await.map_err(store("give codes"))?;
    }
    if !codes_returned.is_empty() {
        let back = store::code::give_back(&mut *db, campaign, &codes_returned).await;
        back.map_err(store("have codes back"))?;
    }
    stays.write(&mut *db).await?;
    failpoint!("perks.group.written");
    transaction.commit().await.map_err(store("commit a group"))?;
    failpoint!("perks.group.committed");
    Ok(())
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
