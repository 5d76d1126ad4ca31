//! Signals of files, as far as topics need them.

use std::collections::hash_map::Entry;

use klout_import::{Found, SignalReader};
use klout_model::{
    CounterName, CounterValue, Day, Kind, NativeId, Network, RowReason, WINDOW_DAYS,
};
use klout_proto::{
    convert,
    signal::v1::{Account, Interaction, Post, Signal, signal::Content},
};
use klout_score_engine::AccountName;
use rustc_hash::FxHashMap;
use time::{Duration, OffsetDateTime};

use crate::{exit::Failure, rank::LeftOut};

/// What was told of an account, `age` whole UTC days ago. Compared only to settle which of two signals with one
/// identity counts.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum Fact {
    Done(Done),
    Counted { name: CounterName, time: i128, value: CounterValue, of_post: bool },
    Posted(Posted),
}

/// What somebody did to the account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Done {
    pub(super) actor: Option<AccountName>,
    pub(super) kind: Kind,
    pub(super) age: u8,
    pub(super) count: u64,
    pub(super) post: Option<String>,
    pub(super) label: Option<String>,
}

/// What the account published.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Posted {
    pub(super) post: String,
    /// 90 and more is before the window.
    pub(super) age: u8,
    pub(super) text: String,
    pub(super) links: Vec<String>,
    pub(super) tags: Vec<String>,
}

/// The signals that count, by their subject and what it calls them.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// `None`: taken back.
    facts: FxHashMap<(AccountName, String), Option<Fact>>,
    pub(super) left_out: LeftOut,
}

/// A signal, read.
enum Told {
    Fact(Fact),
    /// The signal of this id is taken back.
    TakenBack(String),
}

// === impl Signals ===

impl Signals {
    /// Adds what a file tells.
    pub(super) fn read(
        &mut self,
        mut reader: Box<dyn SignalReader>,
        as_of: OffsetDateTime,
    ) -> Result<(), Failure> {
        while let Some(entry) = reader.next_entry().map_err(|error| Failure::failed(&error))? {
            let added = match entry.found {
                Found::Signal(signal) => self.add(*signal, as_of),
                Found::Rejected { reason, .. } => Err(reason),
                Found::NoReaction | Found::Noted => Ok(()),
            };
            if let Err(reason) = added {
                *self.left_out.entry(reason).or_default() += 1;
            }
        }
        Ok(())
    }

    fn add(&mut self, signal: Signal, as_of: OffsetDateTime) -> Result<(), RowReason> {
        let id = signal.signal_id.clone();
        let (subject, told) = told(signal, as_of)?;
        match told {
            Told::TakenBack(id) => {
                self.facts.insert((subject, id), None);
            }
            Told::Fact(fact) => match self.facts.entry((subject, id)) {
                Entry::Vacant(vacant) => {
                    vacant.insert(Some(fact));
                }
                // The least of them counts, so that their order does not.
                Entry::Occupied(mut other) => {
                    if other.get().as_ref().is_some_and(|it| fact < *it) {
                        other.insert(Some(fact));
                    }
                }
            },
        }
        Ok(())
    }

    /// In no order that means anything.
    pub(super) fn facts(&self) -> impl Iterator<Item = (&AccountName, &Fact)> {
        self.facts.iter().filter_map(|((subject, _), fact)| Some((subject, fact.as_ref()?)))
    }
}

fn told(signal: Signal, as_of: OffsetDateTime) -> Result<(AccountName, Told), RowReason> {
    let network: Network = signal.network.parse()?;
    let time = signal.time.as_ref().and_then(convert::time).ok_or(RowReason::TimeInvalid)?;
    let age = || {
        let day = Day::admit(time, as_of, Duration::ZERO)?;
        day.age_on(Day::of(as_of)).ok_or(RowReason::TimeBeforeWindow)
    };
    let content = signal.content.ok_or(RowReason::RowMalformed)?;
    Ok(match content {
        Content::Interaction(it) => {
            let subject = name(&network, it.subject.as_ref())?;
            (subject, Told::Fact(Fact::Done(done(&network, it, age()?)?)))
        }
        Content::Counter(it) => {
            age()?;
            let fact = Fact::Counted {
                name: it.name.parse()?,
                // As fine as the database keeps it.
                time: time.unix_timestamp_nanos() / 1_000,
                value: CounterValue::new(it.value)?,
                of_post: it.post.is_some(),
            };
            (name(&network, it.account.as_ref())?, Told::Fact(fact))
        }
        Content::Post(it) => {
            let subject = name(&network, it.account.as_ref())?;
            let age = match age() {
                // What others do about it within the window is about something all the same.
                Err(RowReason::TimeBeforeWindow) => {
                    u8::try_from((as_of - time).whole_days()).unwrap_or(u8::MAX).max(WINDOW_DAYS)
                }
                age => age?,
            };
            (subject, Told::Fact(Fact::Posted(posted(it, age))))
        }
        Content::Retraction(it) => {
            (name(&network, it.subject.as_ref())?, Told::TakenBack(it.of_signal_id))
        }
    })
}

fn done(network: &Network, it: Interaction, age: u8) -> Result<Done, RowReason> {
    Ok(Done {
        actor: it.actor.as_ref().map(|actor| name(network, Some(actor))).transpose()?,
        kind: it.kind.parse()?,
        age,
        count: u64::from(it.count.unwrap_or(1)),
        post: it.post,
        label: it.label,
    })
}

fn posted(it: Post, age: u8) -> Posted {
    let Post { account: _, post, text, links, tags } = it;
    Posted { post, age, text: text.unwrap_or_default(), links, tags }
}

fn name(network: &Network, account: Option<&Account>) -> Result<AccountName, RowReason> {
    let native_id = &account.ok_or(RowReason::AccountInvalid)?.native_id;
    let native_id: NativeId = native_id.parse().map_err(|_| RowReason::AccountInvalid)?;
    Ok(AccountName { network: network.clone(), native_id })
}
