//! What goes into a batch, and how a signal is found in one again. No database.

use std::collections::{BTreeMap, HashMap, HashSet};

use klout_model::{AccountId, Kind, SignalHash};
use klout_proto::{
    people::{Erased, accounts, leave_out},
    signal::v1::{BatchedHandle, BatchedInteraction, BatchedLabel, BatchedText, SignalBatch},
};
use prost::{DecodeError, Message as _};
use uuid::Uuid;

use crate::{
    admission::{Admitted, Item},
    store::batch::Logged,
};

/// The part of a signal's id that tells it apart within its batch, as the log has it.
type ShortId = [u8; 8];

/// Signals of a batch, by whose evidence they are and their id.
pub(crate) type Index = HashMap<(AccountId, ShortId), Item>;

/// A batch that is being made.
#[derive(Debug)]
pub(crate) struct Batch {
    batch_id: Uuid,
    message: SignalBatch,
    interaction_ids: Vec<ShortId>,
    counter_ids: Vec<ShortId>,
    post_ids: Vec<ShortId>,
    handles: BTreeMap<i64, BatchedHandle>,
    texts: Vec<BatchedText>,
    labels: Vec<BatchedLabel>,
}

// === impl Batch ===

impl Batch {
    pub(crate) fn new(batch_id: Uuid) -> Self {
        Self {
            batch_id,
            message: SignalBatch {
                batch_id: batch_id.into_bytes().to_vec(),
                ..SignalBatch::default()
            },
            interaction_ids: Vec::new(),
            counter_ids: Vec::new(),
            post_ids: Vec::new(),
            handles: BTreeMap::new(),
            texts: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// Adds a signal that is new. What it takes back, if anything, is added by [`Self::retract`].
    pub(crate) fn push(&mut self, signal: Admitted) {
        let id = short(signal.signal_id);
        match signal.item {
            Item::Interaction(interaction) => {
                self.message.interactions.push(interaction);
                self.interaction_ids.push(id);
            }
            Item::Counter(counter) => {
                self.message.counters.push(counter);
                self.counter_ids.push(id);
            }
            Item::Post(post) => {
                self.message.posts.push(post);
                self.post_ids.push(id);
            }
            Item::Retraction(_) => {}
        }
        self.texts.extend(signal.text);
        self.labels.extend(signal.label);
        for handle in signal.handles {
            let newest = self.handles.entry(handle.account_id).or_insert_with(|| handle.clone());
            if age_key(&handle) > age_key(newest) {
                *newest = handle;
            }
        }
    }

    /// Adds that a signal is taken back.
    pub(crate) fn retract(&mut self, item: Item) {
        match item {
            Item::Interaction(interaction) => self.message.retracted_interactions.push(interaction),
            Item::Counter(counter) => self.message.retracted_counters.push(counter),
            Item::Post(post) => self.message.retracted_posts.push(post),
            Item::Retraction(_) => {}
        }
    }

    /// As the log keeps it.
    pub(crate) fn to_log(&self) -> Logged {
        let ids = [&self.interaction_ids, &self.counter_ids, &self.post_ids];
        Logged {
            batch_id: self.batch_id,
            payload: self.message.encode_to_vec(),
            signal_ids: ids.into_iter().flatten().flatten().copied().collect(),
        }
    }

    /// What social-graph gets besides: names.
    pub(crate) fn for_social_graph(&self) -> Option<Vec<u8>> {
        let handles: Vec<_> = self.handles.values().cloned().collect();
        let beside = SignalBatch { handles, ..SignalBatch::default() };
        (!beside.handles.is_empty()).then(|| beside.encode_to_vec())
    }

    /// What topics gets besides: texts, and the words that came with interactions.
    pub(crate) fn for_topics(&self) -> Option<Vec<u8>> {
        let (texts, labels) = (self.texts.clone(), self.labels.clone());
        let beside = SignalBatch { texts, labels, ..SignalBatch::default() };
        (!beside.texts.is_empty() || !beside.labels.is_empty()).then(|| beside.encode_to_vec())
    }

    /// Whether it has anything that topics wants to know: posts, what was done about a post, and what is said of
    /// somebody. A like of nothing in particular is about no topic.
    pub(crate) fn concerns_topics(&self) -> bool {
        let message = &self.message;
        let interactions = message.interactions.iter().chain(&message.retracted_interactions);
        !message.posts.is_empty()
            || !message.retracted_posts.is_empty()
            || interactions.into_iter().any(says_something)
    }
}

/// The signals of a batch of the log, to be found by [`key`]. Retractions have no content there.
pub(crate) fn index(logged: &Logged) -> Result<Index, DecodeError> {
    let batch = SignalBatch::decode(logged.payload.as_slice())?;
    let ids = logged.signal_ids.as_chunks().0;
    let signals =
        items(batch).zip(ids).filter_map(|(item, id)| Some(((item.subject()?, *id), item)));
    Ok(signals.collect())
}

/// What a signal is found by in an [`index`].
pub(crate) fn key((subject, signal_id): (AccountId, SignalHash)) -> (AccountId, ShortId) {
    (subject, short(signal_id))
}

/// The items of a batch in the order of the log's ids.
pub(crate) fn items(batch: SignalBatch) -> impl Iterator<Item = Item> {
    let interactions = batch.interactions.into_iter().map(Item::Interaction);
    let counters = batch.counters.into_iter().map(Item::Counter);
    let posts = batch.posts.into_iter().map(Item::Post);
    interactions.chain(counters).chain(posts)
}

/// What is left of a batch, and what was taken out of it.
#[derive(Debug)]
pub(crate) struct TakenOut {
    pub(crate) left: Logged,
    /// The signals, by whom they are about.
    pub(crate) gone: Vec<(i64, ShortId)>,
    /// How many of them were because of which account.
    pub(crate) counts: HashMap<i64, i64>,
}

/// Takes out of a batch of the log what is about or by accounts that were erased. `None`: there is nothing of them.
pub(crate) fn take_out(
    logged: &Logged,
    erased: &HashMap<i64, Erased>,
) -> Result<Option<TakenOut>, DecodeError> {
    let mut batch = SignalBatch::decode(logged.payload.as_slice())?;
    if !accounts(&batch).iter().any(|account| erased.contains_key(account)) {
        return Ok(None);
    }
    let whole = batch.clone();
    if !leave_out(&mut batch, erased) {
        return Ok(None);
    }
    let left: HashSet<Vec<u8>> = items(batch.clone()).map(|it| it.encoded()).collect();
    let (mut signal_ids, mut gone) = (Vec::new(), Vec::new());
    let mut counts: HashMap<i64, i64> = HashMap::new();
    for (item, id) in items(whole).zip(logged.signal_ids.as_chunks().0) {
        // Equal items are about the same and of the same day: all of them are left or none.
        if left.contains(&item.encoded()) {
            signal_ids.extend(id);
            continue;
        }
        let Some(subject) = item.subject() else { continue };
        gone.push((subject.0, *id));
        let actor = item.actor().filter(|actor| erased.contains_key(&actor.0));
        let whose = if erased.contains_key(&subject.0) { Some(subject) } else { actor };
        if let Some(whose) = whose {
            *counts.entry(whose.0).or_default() += 1;
        }
    }
    let (batch_id, payload) = (logged.batch_id, batch.encode_to_vec());
    Ok(Some(TakenOut { left: Logged { batch_id, payload, signal_ids }, gone, counts }))
}

/// Whether an interaction may tell what somebody is influential about. Words that came with one are told by its
/// `signal`. Topics leaves out what else a batch has, by the same rule (`says_something` of its `batch.rs`).
fn says_something(interaction: &BatchedInteraction) -> bool {
    let of_a_person = [Kind::Follow, Kind::List, Kind::Endorse, Kind::PlusK];
    interaction.post_hash.is_some()
        || interaction.signal.is_some()
        || of_a_person.iter().any(|kind| kind.as_str() == interaction.kind)
}

fn short(id: SignalHash) -> ShortId {
    id.short().to_le_bytes()
}

/// Orders handles of one account: by time, then by name so that the order of signals cannot matter.
fn age_key(handle: &BatchedHandle) -> (i64, i32, &str) {
    let time = handle.seen_time.unwrap_or_default();
    (time.seconds, time.nanos, &handle.handle)
}

#[cfg(test)]
mod tests {
    use klout_proto::signal::v1::BatchedPost;

    use super::*;

    fn admitted(subject: i64, id: u8, item: Item) -> Admitted {
        Admitted {
            subject: AccountId(subject),
            signal_id: SignalHash([id; 16]),
            item,
            handles: Vec::new(),
            text: None,
            label: None,
        }
    }

    fn like(subject: i64) -> Item {
        let interaction =
            BatchedInteraction { subject_account_id: subject, count: 3, ..Default::default() };
        Item::Interaction(interaction)
    }

    fn post(account_id: i64) -> Item {
        Item::Post(BatchedPost { account_id, ..Default::default() })
    }

    #[test]
    fn a_signal_is_found_in_its_batch_by_its_identity() {
        let mut batch = Batch::new(Uuid::nil());
        batch.push(admitted(1, 10, post(1)));
        batch.push(admitted(1, 11, like(1)));
        batch.push(admitted(2, 11, like(2)));
        let logged = batch.to_log();

        let index = index(&logged).expect("it can be read");
        let found = |subject, id: u8| index.get(&key((AccountId(subject), SignalHash([id; 16]))));
        assert_eq!(found(1, 10), Some(&post(1)));
        assert_eq!(found(1, 11), Some(&like(1)));
        assert_eq!(found(2, 11), Some(&like(2)));
        assert_eq!(found(2, 10), None);
    }

    #[test]
    fn what_an_erased_account_left_is_taken_out_with_its_ids() {
        let by = |subject: i64, actor: i64| {
            Item::Interaction(BatchedInteraction {
                subject_account_id: subject,
                actor_account_id: Some(actor),
                ..Default::default()
            })
        };
        let mut batch = Batch::new(Uuid::nil());
        batch.push(admitted(1, 10, post(1)));
        batch.push(admitted(2, 11, by(2, 1)));
        batch.push(admitted(2, 12, by(2, 3)));
        batch.push(admitted(2, 13, by(2, 3)));
        batch.retract(by(1, 2));
        let logged = batch.to_log();
        let erased = HashMap::from([(1, Erased { account: 1, through_day: None })]);
        let out = take_out(&logged, &erased).expect("it can be read").expect("there is something");
        let short = |id: u8| short(SignalHash([id; 16]));
        assert_eq!(out.gone, [(2, short(11)), (1, short(10))]);
        assert_eq!(out.counts, HashMap::from([(1, 2)]));
        let index = index(&out.left).expect("it can be read");
        let found = |subject, id: u8| index.get(&key((AccountId(subject), SignalHash([id; 16]))));
        assert_eq!(index.len(), 2);
        assert_eq!((found(2, 12), found(2, 13)), (Some(&by(2, 3)), Some(&by(2, 3))));
        assert!(take_out(&out.left, &erased).expect("it can be read").is_none());
    }

    #[test]
    fn names_and_texts_are_not_in_the_log() {
        let mut batch = Batch::new(Uuid::nil());
        let mut signal = admitted(1, 10, post(1));
        let handle =
            BatchedHandle { account_id: 1, handle: "ann".to_owned(), ..Default::default() };
        signal.handles.push(handle);
        signal.text = Some(BatchedText { text: Some("hello".to_owned()), ..Default::default() });
        signal.label = Some(BatchedLabel { label: "bakers".to_owned(), ..Default::default() });
        batch.push(signal);

        let logged = SignalBatch::decode(batch.to_log().payload.as_slice()).expect("a batch");
        assert!(logged.handles.is_empty() && logged.texts.is_empty() && logged.labels.is_empty());
        // Joined, as consumers get it.
        let mut bytes = batch.to_log().payload;
        bytes.extend(batch.for_social_graph().expect("names"));
        bytes.extend(batch.for_topics().expect("texts"));
        let joined = SignalBatch::decode(bytes.as_slice()).expect("a batch");
        assert_eq!((joined.posts.len(), joined.handles.len(), joined.texts.len()), (1, 1, 1));
        assert_eq!(joined.labels.len(), 1);
    }

    #[test]
    fn topics_wants_what_may_be_about_a_topic_and_nothing_else() {
        let interaction =
            |kind: &str| BatchedInteraction { kind: kind.to_owned(), ..Default::default() };
        let concerns = |item: Item, retracted: bool| {
            let mut batch = Batch::new(Uuid::nil());
            if retracted {
                batch.retract(item)
            } else {
                batch.push(admitted(1, 10, item))
            }
            batch.concerns_topics()
        };
        let about_a_post =
            BatchedInteraction { post_hash: Some(vec![1; 16]), ..interaction("like") };
        let with_words = BatchedInteraction { signal: Some(1), ..interaction("mention") };
        for retracted in [false, true] {
            for kind in ["follow", "list", "endorse", "plus_k"] {
                assert!(concerns(Item::Interaction(interaction(kind)), retracted), "{kind}");
            }
            assert!(concerns(post(1), retracted));
            assert!(concerns(Item::Interaction(about_a_post.clone()), retracted));
            assert!(concerns(Item::Interaction(with_words.clone()), retracted));
            for kind in ["like", "reply", "mention", "comment"] {
                assert!(!concerns(Item::Interaction(interaction(kind)), retracted), "{kind}");
            }
        }
    }
}
