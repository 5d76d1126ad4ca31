//! Which signals are taken in, and what is kept of them. No clock and no database.

use std::collections::HashMap;

use klout_model::{
    AccountId, AccountKey, Count, CounterName, CounterValue, Day, Kind, NativeId, Network,
    RowReason, SignalHash,
};
use klout_proto::{
    convert,
    people::Erased,
    signal::v1::{
        Account, BatchedCounter, BatchedHandle, BatchedInteraction, BatchedLabel, BatchedPost,
        BatchedText, Signal, signal::Content,
    },
};
use prost::Message as _;
use time::{Duration, OffsetDateTime};

/// In bytes, of what a network calls a signal or a post.
const ID_LENGTH_MAX: usize = 1024;

/// In bytes, of a post's text.
const TEXT_LENGTH_MAX: usize = 64 * 1024;

/// In bytes, of the words that come with an interaction, without space around them.
const LABEL_LENGTH_MAX: usize = 256;

/// Links of a post, and tags of one.
const LINKS_MAX: usize = 32;

/// A signal that counts: hashed, and ready for consumers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Admitted {
    pub(crate) subject: AccountId,
    pub(crate) signal_id: SignalHash,
    pub(crate) item: Item,
    /// Handles that it mentioned. They go to social-graph, and not into the log.
    pub(crate) handles: Vec<BatchedHandle>,
    /// What a post says. It goes to topics, and not into the log.
    pub(crate) text: Option<BatchedText>,
    /// The words that came with an interaction. They go to topics, and not into the log.
    pub(crate) label: Option<BatchedLabel>,
}

/// What happened, as consumers get it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Interaction(BatchedInteraction),
    Counter(BatchedCounter),
    Post(BatchedPost),
    /// The signal of the same subject with this id is taken back.
    Retraction(SignalHash),
}

// === impl Item ===

impl Item {
    /// Whose evidence it is. `None` for a retraction, which does not say.
    pub(crate) fn subject(&self) -> Option<AccountId> {
        match self {
            Self::Interaction(interaction) => Some(AccountId(interaction.subject_account_id)),
            Self::Counter(counter) => Some(AccountId(counter.account_id)),
            Self::Post(post) => Some(AccountId(post.account_id)),
            Self::Retraction(_) => None,
        }
    }

    /// Who did it, if somebody did and the network told who.
    pub(crate) fn actor(&self) -> Option<AccountId> {
        match self {
            Self::Interaction(interaction) => interaction.actor_account_id.map(AccountId),
            Self::Counter(_) | Self::Post(_) | Self::Retraction(_) => None,
        }
    }

    /// What stands for the post that it tells of.
    pub(crate) fn post(&self) -> Option<[u8; 16]> {
        match self {
            Self::Post(post) => post.post_hash.as_slice().try_into().ok(),
            Self::Interaction(_) | Self::Counter(_) | Self::Retraction(_) => None,
        }
    }

    /// The day that it is of. `None` for a retraction, which may be of any.
    pub(crate) fn day(&self) -> Option<i32> {
        match self {
            Self::Interaction(interaction) => Some(interaction.day),
            Self::Counter(counter) => {
                let time = counter.read_time.as_ref().and_then(convert::time);
                time.map(|time| Day::of(time).number())
            }
            Self::Post(post) => Some(post.day),
            Self::Retraction(_) => None,
        }
    }

    /// What tells it from other items.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        let (kind, bytes) = match self {
            Self::Interaction(interaction) => (0, interaction.encode_to_vec()),
            Self::Counter(counter) => (1, counter.encode_to_vec()),
            Self::Post(post) => (2, post.encode_to_vec()),
            Self::Retraction(of) => (3, of.0.to_vec()),
        };
        [vec![kind], bytes].concat()
    }
}

// === impl Admitted ===

impl Admitted {
    /// The accounts that it is about and by.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = i64> {
        [Some(self.subject), self.item.actor()].into_iter().flatten().map(|it| it.0)
    }

    /// Whether it is about or by an account that was erased. Nothing that names no day is kept of one of which
    /// nothing is kept whatever the day.
    pub(crate) fn is_of(&self, erased: &HashMap<i64, Erased>) -> bool {
        let day = self.item.day();
        let covers = |it: &Erased| day.map_or(it.through_day.is_none(), |day| it.covers(day));
        self.accounts().any(|account| erased.get(&account).is_some_and(covers))
    }
}

/// What admission hangs on besides the signal.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) key: AccountKey,
    pub(crate) now: OffsetDateTime,
    /// How much later than `now` a signal may be.
    pub(crate) grace: Duration,
    /// Whether a service of ours tells for itself: of our own network nobody else may.
    pub(crate) ours: bool,
}

/// Checks a signal and hashes what it names.
pub(crate) fn admit(terms: &Terms, signal: Signal) -> Result<Admitted, RowReason> {
    let network: Network = signal.network.parse()?;
    if network.as_str() == Network::KLOUT && !terms.ours {
        return Err(RowReason::NetworkInvalid);
    }
    if !(1..=ID_LENGTH_MAX).contains(&signal.signal_id.len()) {
        return Err(RowReason::RowMalformed);
    }
    let time = signal.time.as_ref().and_then(convert::time).ok_or(RowReason::TimeInvalid)?;
    let day = Day::admit(time, terms.now, terms.grace)?;

    let mut handles = Vec::new();
    let mut account = |account: Option<Account>| {
        let account = account.ok_or(RowReason::AccountInvalid)?;
        let native_id: NativeId = account.native_id.parse()?;
        let (id, _) = terms.key.account(&network, &native_id);
        if let Some(handle) = account.handle {
            // A handle obeys the rules of a native id.
            let handle: NativeId = handle.parse()?;
            handles.push(BatchedHandle {
                account_id: id.0,
                handle: handle.to_string(),
                seen_time: Some(convert::timestamp(time)),
                network: network.to_string(),
            });
        }
        Ok::<_, RowReason>(id)
    };
    let post_hash = |post: &str| {
        let valid = (1..=ID_LENGTH_MAX).contains(&post.len());
        if valid {
            Ok(terms.key.post(&network, post).0.to_vec())
        } else {
            Err(RowReason::RowMalformed)
        }
    };

    let content = signal.content.ok_or(RowReason::RowMalformed)?;
    let signal_id = terms.key.signal(&network, &signal.signal_id);
    let (mut text, mut words) = (None, None);
    let (subject, item) = match content {
        Content::Interaction(interaction) => {
            let kind: Kind = interaction.kind.parse()?;
            let count = Count::new(u64::from(interaction.count.unwrap_or(1)))?;
            let actor = interaction.actor.map(|actor| account(Some(actor))).transpose()?;
            let subject = account(interaction.subject)?;
            words = label(interaction.label.as_deref())?.map(|label| BatchedLabel {
                account_id: subject.0,
                signal: signal_id.short(),
                label,
            });
            let item = Item::Interaction(BatchedInteraction {
                subject_account_id: subject.0,
                actor_account_id: actor.map(|actor| actor.0),
                network: network.to_string(),
                kind: kind.as_str().to_owned(),
                day: day.number(),
                count: count.get(),
                post_hash: interaction.post.as_deref().map(post_hash).transpose()?,
                signal: words.as_ref().map(|words| words.signal),
            });
            (subject, item)
        }
        Content::Counter(counter) => {
            let name: CounterName = counter.name.parse()?;
            let value = CounterValue::new(counter.value)?;
            let subject = account(counter.account)?;
            let item = Item::Counter(BatchedCounter {
                account_id: subject.0,
                network: network.to_string(),
                name: name.as_str().to_owned(),
                read_time: Some(convert::timestamp(time)),
                value: value.get(),
                post_hash: counter.post.as_deref().map(post_hash).transpose()?,
            });
            (subject, item)
        }
        Content::Post(post) => {
            let too_much = post.text.as_ref().is_some_and(|text| text.len() > TEXT_LENGTH_MAX)
                || post.links.len() > LINKS_MAX
                || post.tags.len() > LINKS_MAX;
            // No text of Postgres can hold it.
            let nul = |text: &String| text.contains('\0');
            let impossible = post.text.iter().chain(&post.links).chain(&post.tags).any(nul);
            if too_much || impossible {
                return Err(RowReason::RowMalformed);
            }
            let subject = account(post.account)?;
            let post_hash = post_hash(&post.post)?;
            if post.text.is_some() || !post.links.is_empty() || !post.tags.is_empty() {
                text = Some(BatchedText {
                    account_id: subject.0,
                    post_hash: post_hash.clone(),
                    text: post.text,
                    links: post.links,
                    tags: post.tags,
                    signal: signal_id.short(),
                });
            }
            let item = Item::Post(BatchedPost {
                account_id: subject.0,
                network: network.to_string(),
                post_hash,
                day: day.number(),
                signal: signal_id.short(),
            });
            (subject, item)
        }
        Content::Retraction(retraction) => {
            if !(1..=ID_LENGTH_MAX).contains(&retraction.of_signal_id.len()) {
                return Err(RowReason::RowMalformed);
            }
            let subject = account(retraction.subject)?;
            (subject, Item::Retraction(terms.key.signal(&network, &retraction.of_signal_id)))
        }
    };
    Ok(Admitted { subject, signal_id, item, handles, text, label: words })
}

/// The words that came with an interaction, if there are any.
fn label(label: Option<&str>) -> Result<Option<String>, RowReason> {
    let Some(label) = label.map(str::trim).filter(|label| !label.is_empty()) else {
        return Ok(None);
    };
    // No text of Postgres can hold a NUL.
    if label.len() > LABEL_LENGTH_MAX || label.contains('\0') {
        return Err(RowReason::RowMalformed);
    }
    Ok(Some(label.to_owned()))
}

#[cfg(test)]
mod tests {
    use klout_proto::signal::v1::{Counter, Interaction, Post, Retraction};
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2018-06-01 12:00 UTC);

    fn terms() -> Terms {
        Terms { key: AccountKey::new([7; 32]), now: NOW, grace: Duration::ZERO, ours: false }
    }

    fn named(native_id: &str) -> Option<Account> {
        Some(Account { native_id: native_id.to_owned(), handle: None })
    }

    fn like() -> Interaction {
        Interaction {
            actor: named("bob"),
            subject: named("ann"),
            kind: "like".to_owned(),
            count: None,
            post: None,
            label: None,
        }
    }

    fn signal(content: Content) -> Signal {
        Signal {
            network: "bluesky".to_owned(),
            signal_id: "1".to_owned(),
            time: Some(convert::timestamp(NOW)),
            content: Some(content),
        }
    }

    fn reason(signal: Signal) -> Result<(), RowReason> {
        admit(&terms(), signal).map(|_| ())
    }

    #[test]
    fn a_signal_that_names_everything_is_admitted_without_a_name_in_it() {
        let admitted = admit(&terms(), signal(Content::Interaction(like()))).expect("admitted");

        let Item::Interaction(item) = &admitted.item else { panic!("an interaction") };
        assert_eq!((item.count, item.kind.as_str()), (1, "like"));
        assert_eq!(item.subject_account_id, admitted.subject.0);
        assert!(!format!("{admitted:?}").contains("ann"));
    }

    #[test]
    fn only_we_tell_what_happened_on_our_own_network() {
        let retraction = Retraction { subject: named("1"), of_signal_id: "1".to_owned() };
        let contents = [Content::Interaction(like()), Content::Retraction(retraction)];
        for content in contents {
            let told = Signal { network: Network::KLOUT.to_owned(), ..signal(content) };
            assert_eq!(reason(told.clone()), Err(RowReason::NetworkInvalid));
            assert!(admit(&Terms { ours: true, ..terms() }, told).is_ok());
        }
    }

    #[test]
    fn what_cannot_be_read_has_its_reason() {
        let whole = || signal(Content::Interaction(like()));
        let with = |interaction| reason(signal(Content::Interaction(interaction)));

        assert_eq!(
            reason(Signal { network: "n".repeat(300), ..whole() }),
            Err(RowReason::NetworkInvalid)
        );
        assert_eq!(
            reason(Signal { signal_id: String::new(), ..whole() }),
            Err(RowReason::RowMalformed)
        );
        assert_eq!(reason(Signal { time: None, ..whole() }), Err(RowReason::TimeInvalid));
        assert_eq!(reason(Signal { content: None, ..whole() }), Err(RowReason::RowMalformed));
        let later = Some(convert::timestamp(datetime!(9999-12-31 0:00 UTC)));
        assert_eq!(reason(Signal { time: later, ..whole() }), Err(RowReason::TimeAfterAsOf));
        assert_eq!(
            with(Interaction { kind: "adore".to_owned(), ..like() }),
            Err(RowReason::KindUnknown)
        );
        assert_eq!(with(Interaction { subject: None, ..like() }), Err(RowReason::AccountInvalid));
        assert_eq!(
            with(Interaction { actor: named(""), ..like() }),
            Err(RowReason::AccountInvalid)
        );
        assert_eq!(
            with(Interaction { count: Some(u32::MAX), ..like() }),
            Err(RowReason::CountInvalid)
        );
        assert_eq!(
            with(Interaction { post: Some(String::new()), ..like() }),
            Err(RowReason::RowMalformed)
        );
        let counter =
            Counter { account: named("ann"), name: "friends".to_owned(), value: 1.0, post: None };
        assert_eq!(
            reason(signal(Content::Counter(counter.clone()))),
            Err(RowReason::CounterUnknown)
        );
        let counter = Counter { name: "views".to_owned(), value: f64::NAN, ..counter };
        assert_eq!(reason(signal(Content::Counter(counter))), Err(RowReason::ValueInvalid));
        let post = Post {
            account: named("ann"),
            post: "p".to_owned(),
            text: Some("x".repeat(TEXT_LENGTH_MAX + 1)),
            ..Post::default()
        };
        assert_eq!(reason(signal(Content::Post(post))), Err(RowReason::RowMalformed));
    }

    #[test]
    fn the_words_that_come_with_an_interaction_stand_beside_it() {
        let with = |label: &str| {
            let label = Some(label.to_owned());
            let interaction = Interaction { kind: "list".to_owned(), label, ..like() };
            admit(&terms(), signal(Content::Interaction(interaction)))
        };
        let admitted = with("  photography people\n").expect("admitted");
        let words = admitted.label.expect("words");
        assert_eq!(words.label, "photography people");
        assert_eq!(words.account_id, admitted.subject.0);
        let Item::Interaction(item) = admitted.item else { panic!("an interaction") };
        assert_eq!(item.signal, Some(words.signal), "it tells which interaction they belong to");
        assert!(with(&" é ".repeat(64)).is_ok(), "254 bytes without the space around them");

        let admitted = with(" \t").expect("admitted");
        assert_eq!(admitted.label, None);
        let Item::Interaction(item) = admitted.item else { panic!("an interaction") };
        assert_eq!(item.signal, None);
        for refused in ["x".repeat(257), "a\0b".to_owned()] {
            assert_eq!(with(&refused).expect_err("refused"), RowReason::RowMalformed);
        }
    }

    proptest! {
        #[test]
        fn no_signal_whatever_it_holds_panics(
            network in ".{0,8}", id in ".{0,8}", seconds in any::<i64>(), nanos in any::<i32>(),
            native_id in ".{0,8}", kind in "(.{0,8}|list)", count in any::<Option<u32>>(),
            label in prop::option::of(".{0,8}"),
        ) {
            let interaction = Interaction {
                actor: named(&native_id),
                subject: named(&native_id),
                kind,
                count,
                post: Some(id.clone()),
                label,
            };
            let _ = reason(Signal {
                network,
                signal_id: id,
                time: Some(prost_types::Timestamp { seconds, nanos }),
                content: Some(Content::Interaction(interaction)),
            });
        }
    }
}
