//! Events that are kept in one transaction. Pure.

use std::collections::HashSet;

use klout_model::{AccountId, AccountKey, Kind, NativeId, Network, SignalHash};
use klout_networks::bluesky::jetstream::{Happened, Position, Record, Shown, has_rounds};
use klout_proto::signal::v1::{BatchedInteraction, BatchedPost, Rejection, Signal};
use uuid::Uuid;

use crate::{
    admission::{self, Admitted, Item, Terms},
    store::{
        signal::Identity,
        stream_record::{RecordId, Row},
    },
};

/// Events in one transaction.
const EVENTS_MAX: u64 = 2_000;

/// In bytes, of their messages: what consumers get of them is less than twice as much, and may have 4 MiB.
const BYTES_MAX: usize = 1 << 20;

/// Whose events are taken in.
#[derive(Clone, Debug)]
pub(super) struct Followed {
    /// Accounts that are connected.
    pub(super) connected: HashSet<i64>,
    pub(super) everybody: bool,
}

/// An event, hashed: what of it is kept.
#[derive(Debug)]
pub(super) enum Noted {
    Made(Made),
    Unmade(RecordId),
    /// An account, and all that it did, is gone.
    Deleted(AccountId),
    /// An account that is connected is another than it was, or is called so now.
    Changed(AccountId, Option<String>),
    Nothing,
}

/// What a record tells.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) record: RecordId,
    pub(super) parts: Vec<Part>,
    rejected: Vec<Rejection>,
}

/// One of the signals of a record.
#[derive(Debug)]
pub(super) struct Part {
    /// Which one.
    pub(super) number: i16,
    pub(super) admitted: Admitted,
    /// Its id, if it has to have another one each time it is given again.
    pub(super) named: Option<String>,
}

/// Events in the order in which they happened, which can be kept as if all was made first and then some was unmade.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) made: Vec<Made>,
    pub(super) unmade: Vec<RecordId>,
    pub(super) deleted: Option<AccountId>,
    pub(super) changed: Vec<(AccountId, Option<String>)>,
    pub(super) rejected: Vec<Rejection>,
    pub(super) position: Option<Position>,
    /// How many of the events tell something, and how many do not.
    pub(super) kept: u64,
    pub(super) nothing: u64,
    bytes: usize,
    records: HashSet<RecordId>,
    takers_back: HashSet<i64>,
}

// === impl Followed ===

impl Followed {
    /// What of an event is kept.
    pub(super) fn note(&self, terms: &Terms, network: &Network, happened: Happened) -> Noted {
        let key = &terms.key;
        let account = |did: &str| {
            let native_id: NativeId = did.parse().ok()?;
            Some(key.account(network, &native_id).0)
        };
        match happened {
            Happened::Made { record, signals } => match record_id(key, network, &record) {
                Some(record) => self.made(terms, record, signals),
                None => Noted::Nothing,
            },
            Happened::Unmade(record) => {
                record_id(key, network, &record).map_or(Noted::Nothing, Noted::Unmade)
            }
            Happened::Account { did, shown } => match account(&did) {
                // Only this is for ever: who is hidden may be shown again, and nobody tells us then what they did.
                Some(account) if shown == Shown::Deleted => Noted::Deleted(account),
                Some(account) if self.connected.contains(&account.0) => {
                    Noted::Changed(account, None)
                }
                Some(_) | None => Noted::Nothing,
            },
            Happened::Named { did, handle } => match account(&did) {
                Some(account) if self.connected.contains(&account.0) => {
                    Noted::Changed(account, handle)
                }
                Some(_) | None => Noted::Nothing,
            },
            Happened::Nothing => Noted::Nothing,
        }
    }

    fn made(&self, terms: &Terms, record: RecordId, signals: Vec<Signal>) -> Noted {
        let mut made = Made { record, parts: Vec::new(), rejected: Vec::new() };
        for (number, signal) in (0..).zip(signals) {
            let named = has_rounds(&signal.signal_id).then(|| signal.signal_id.clone());
            match admission::admit(terms, signal) {
                Ok(admitted) if self.everybody || self.connected.contains(&admitted.subject.0) => {
                    made.parts.push(Part { number, admitted, named });
                }
                Ok(_) => {}
                Err(reason) => made.rejected.push(Rejection {
                    index: 0,
                    reason: reason.as_str().to_owned(),
                    message: String::new(),
                }),
            }
        }
        if made.parts.is_empty() && made.rejected.is_empty() {
            return Noted::Nothing;
        }
        Noted::Made(made)
    }
}

fn record_id(key: &AccountKey, network: &Network, record: &Record) -> Option<RecordId> {
    let native_id: NativeId = record.did.parse().ok()?;
    let (actor, _) = key.account(network, &native_id);
    let name = format!("{}/{}", record.did, record.name);
    Some((actor.0, key.signal(network, &name).short().cast_signed()))
}

// === impl Run ===

impl Run {
    /// Whether an event can be kept together with what there is.
    pub(super) fn takes(&self, noted: &Noted) -> bool {
        if self.deleted.is_some() {
            return false;
        }
        match noted {
            Noted::Made(made) => {
                // What is given again is another one only if it is gone before.
                let again = made.parts.iter().any(|it| it.named.is_some());
                !(again && self.takers_back.contains(&made.record.0))
            }
            Noted::Unmade(record) => !self.records.contains(record),
            Noted::Deleted(_) => self.made.is_empty() && self.unmade.is_empty(),
            Noted::Changed(..) | Noted::Nothing => true,
        }
    }

    pub(super) fn add(&mut self, noted: Noted, position: Position, bytes: usize) {
        self.position = Some(position);
        self.bytes += bytes;
        self.kept += 1;
        match noted {
            Noted::Made(mut made) => {
                self.rejected.append(&mut made.rejected);
                self.records.insert(made.record);
                self.made.push(made);
            }
            Noted::Unmade(record) => {
                self.takers_back.insert(record.0);
                self.unmade.push(record);
            }
            Noted::Deleted(account) => self.deleted = Some(account),
            Noted::Changed(account, handle) => self.changed.push((account, handle)),
            Noted::Nothing => {
                self.kept -= 1;
                self.nothing += 1;
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.position.is_none()
    }

    pub(super) fn is_full(&self) -> bool {
        self.kept >= EVENTS_MAX || self.bytes >= BYTES_MAX
    }
}

/// A signal of a record as it is noted.
pub(super) fn row(record: RecordId, part: &Part, own: bool) -> Option<Row> {
    let admitted = &part.admitted;
    let (kind, day, post) = match &admitted.item {
        Item::Interaction(it) => {
            let kind: Kind = it.kind.parse().ok()?;
            (Some(i16::from(kind.code())), it.day, it.post_hash.as_deref())
        }
        Item::Post(it) => (None, it.day, Some(it.post_hash.as_slice())),
        Item::Counter(_) | Item::Retraction(_) => return None,
    };
    Some(Row {
        actor_account_id: record.0,
        record_id: record.1,
        subject_account_id: admitted.subject.0,
        signal_id: Uuid::from_bytes(admitted.signal_id.0),
        post_hash: post.and_then(|it| Uuid::from_slice(it).ok()),
        day,
        part: part.number,
        kind,
        own,
    })
}

/// What a signal was, by what was noted of it.
pub(super) fn item(network: &Network, row: &Row) -> Option<Item> {
    let post_hash = row.post_hash.map(|it| it.into_bytes().to_vec());
    let Some(kind) = row.kind else {
        return Some(Item::Post(BatchedPost {
            account_id: row.subject_account_id,
            network: network.to_string(),
            post_hash: post_hash?,
            day: row.day,
            signal: SignalHash(row.signal_id.into_bytes()).short(),
        }));
    };
    let kind = Kind::from_code(u8::try_from(kind).ok()?)?;
    Some(Item::Interaction(BatchedInteraction {
        subject_account_id: row.subject_account_id,
        actor_account_id: Some(row.actor_account_id),
        network: network.to_string(),
        kind: kind.as_str().to_owned(),
        day: row.day,
        count: 1,
        post_hash,
        signal: None,
    }))
}

pub(super) fn identity(row: &Row) -> Identity {
    (AccountId(row.subject_account_id), SignalHash(row.signal_id.into_bytes()))
}

#[cfg(test)]
mod tests {
    use klout_networks::bluesky::jetstream::{Event, Framing, Message};
    use time::{Duration, OffsetDateTime, macros::datetime};

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

    fn terms() -> Terms {
        Terms { key: AccountKey::new([7; 32]), now: NOW, grace: Duration::ZERO, ours: false }
    }

    fn noted(operation: &str, collection: &str, rkey: &str, record: &str) -> Noted {
        let message = format!(
            r#"{{"did":"did:plc:ben","time_us":1795600000000000,"kind":"commit","commit":{{"operation":"{operation}","collection":"{collection}","rkey":"{rkey}","record":{record}}}}}"#
        );
        let read = Framing::Subscribe.read(message.as_bytes(), NOW).expect("a message");
        let Message::Event(Event { happened, .. }) = read else { panic!("an event") };
        let followed = Followed { connected: HashSet::new(), everybody: true };
        followed.note(&terms(), &"bluesky".parse().expect("a network"), happened)
    }

    const POST: &str = r#"{"text":"hi","createdAt":"2026-11-25T00:00:00Z",
        "reply":{"root":{"uri":"at://did:plc:ann/app.bsky.feed.post/1"},"parent":{"uri":"at://did:plc:ann/app.bsky.feed.post/1"}},
        "facets":[{"features":[{"did":"did:plc:cid"}]}]}"#;

    const REPOST: &str = r#"{"createdAt":"2026-11-25T00:00:00Z","subject":{"uri":"at://did:plc:ann/app.bsky.feed.post/1","cid":"x"}}"#;

    #[test]
    fn what_was_noted_of_a_signal_says_what_it_was() {
        let network: Network = "bluesky".parse().expect("a network");
        for (collection, record) in [("app.bsky.feed.post", POST), ("app.bsky.feed.repost", REPOST)]
        {
            let Noted::Made(made) = noted("create", collection, "k", record) else {
                panic!("it tells something")
            };
            assert!(!made.parts.is_empty() && made.rejected.is_empty());
            for part in &made.parts {
                let row = row(made.record, part, true).expect("it can be noted");
                assert_eq!(item(&network, &row).as_ref(), Some(&part.admitted.item));
                assert_eq!(identity(&row), (part.admitted.subject, part.admitted.signal_id));
            }
        }
    }

    #[test]
    fn what_is_taken_back_and_given_again_is_not_kept_together() {
        let position = Position { number: None, micros: 1 };
        let repost = |key| noted("create", "app.bsky.feed.repost", key, REPOST);
        let back = |key| noted("delete", "app.bsky.feed.repost", key, "null");
        let mut run = Run::default();
        run.add(repost("1"), position, 1);
        assert!(run.takes(&repost("2")) && run.takes(&back("2")) && !run.takes(&back("1")));

        let mut run = Run::default();
        run.add(back("1"), position, 1);
        assert!(!run.takes(&repost("2")) && run.takes(&back("2")));
        assert!(run.takes(&noted("create", "app.bsky.feed.post", "p", POST)));
    }

    #[test]
    fn only_what_is_about_accounts_that_are_connected_is_kept_where_no_more_is_wanted() {
        let network: Network = "bluesky".parse().expect("a network");
        let cid = terms().key.account(&network, &"did:plc:cid".parse().expect("an id")).0;
        let followed = Followed { connected: HashSet::from([cid.0]), everybody: false };
        let message = format!(
            r#"{{"did":"did:plc:ben","time_us":1795600000000000,"kind":"commit","commit":{{"operation":"create","collection":"app.bsky.feed.post","rkey":"k","record":{POST}}}}}"#
        );
        let read = Framing::Subscribe.read(message.as_bytes(), NOW).expect("a message");
        let Message::Event(Event { happened, .. }) = read else { panic!("an event") };
        let Noted::Made(made) = followed.note(&terms(), &network, happened) else {
            panic!("it mentions somebody")
        };
        let subjects: Vec<_> = made.parts.iter().map(|it| it.admitted.subject).collect();
        assert_eq!(subjects, [cid]);
    }
}
