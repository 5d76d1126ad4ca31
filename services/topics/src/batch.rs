//! What a batch of signals tells of posts, of what was done about them, and of what people were called. No
//! database.

use std::collections::{BTreeMap, BTreeSet};

use klout_model::{Day, Kind, Network};
use klout_proto::signal::v1::{
    BatchedInteraction, BatchedLabel, BatchedPost, BatchedText, SignalBatch,
};
use uuid::Uuid;

use crate::error::Error;

/// A post of an account as one signal told it, in the order of the table's key.
pub(crate) type PostKey = (i64, Uuid, i64);

/// A reaction: subject, post, actor, code of the kind, day; in the order of the table's key. The nil UUID is no
/// post, and 0 nobody.
pub(crate) type ReactionKey = (i64, Uuid, i64, u8, i32);

/// A labelled interaction: subject and signal, in the order of the table's key.
pub(crate) type LabelKey = (i64, i64);

/// What a batch says of a post.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PostChange {
    /// The earliest day that was told.
    pub(crate) day: i32,
    /// How often it was told, less how often it was taken back.
    pub(crate) told: i64,
    pub(crate) text: Option<String>,
    pub(crate) links: Vec<String>,
    pub(crate) tags: Vec<String>,
}

/// What a batch says of a labelled interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LabelChange {
    /// 0: nobody.
    pub(crate) actor: i64,
    pub(crate) kind: Kind,
    pub(crate) day: i32,
    pub(crate) count: i64,
    /// How often it was told, less how often it was taken back.
    pub(crate) told: i64,
    pub(crate) label: Option<String>,
}

/// What of one batch belongs to topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) batch_id: Uuid,
    /// Whom it is about, with their networks.
    pub(crate) accounts: BTreeMap<i64, String>,
    pub(crate) posts: BTreeMap<PostKey, PostChange>,
    /// How often, less what was taken back.
    pub(crate) reactions: BTreeMap<ReactionKey, i64>,
    pub(crate) labels: BTreeMap<LabelKey, LabelChange>,
}

/// The id of a batch.
pub(crate) fn batch_id(batch: &SignalBatch) -> Result<Uuid, Error> {
    uuid(&batch.batch_id, "batch_id is not 16 bytes")
}

/// Sums a batch up.
///
/// # Errors
///
/// [`Error::BatchMalformed`] when it is not what the connector sends.
pub(crate) fn evidence(batch: SignalBatch) -> Result<Evidence, Error> {
    let batch_id = batch_id(&batch)?;
    let mut evidence = Evidence { batch_id, ..Evidence::default() };
    for (told, all) in [(1, batch.posts), (-1, batch.retracted_posts)] {
        all.into_iter().try_for_each(|post| evidence.add_post(told, post))?;
    }
    batch.texts.into_iter().try_for_each(|text| evidence.say(text))?;
    for (told, all) in [(1, batch.interactions), (-1, batch.retracted_interactions)] {
        all.into_iter().try_for_each(|it| evidence.add_interaction(told, it))?;
    }
    batch.labels.into_iter().try_for_each(|label| evidence.call(label))?;
    evidence.reactions.retain(|_, count| *count != 0);
    Ok(evidence)
}

// === impl Evidence ===

impl Evidence {
    /// Whom it is about.
    pub(crate) fn subjects(&self) -> BTreeSet<i64> {
        self.accounts.keys().copied().collect()
    }

    fn of(&mut self, account: i64, network: String) -> Result<(), Error> {
        network.parse::<Network>().map_err(|_| malformed("an impossible network"))?;
        self.accounts.insert(account, network);
        Ok(())
    }

    fn add_post(&mut self, told: i64, post: BatchedPost) -> Result<(), Error> {
        let hash = uuid(&post.post_hash, "a post hash is not 16 bytes")?;
        self.of(post.account_id, post.network)?;
        let key = (post.account_id, hash, post.signal.cast_signed());
        day(post.day)?;
        let change = PostChange { day: post.day, ..PostChange::default() };
        let change = self.posts.entry(key).or_insert(change);
        change.day = post.day.min(change.day);
        change.told += told;
        Ok(())
    }

    fn say(&mut self, text: BatchedText) -> Result<(), Error> {
        let hash = uuid(&text.post_hash, "a post hash is not 16 bytes")?;
        let change = self.posts.get_mut(&(text.account_id, hash, text.signal.cast_signed()));
        let change = change.ok_or_else(|| malformed("a text without a post"))?;
        // Postgres keeps no text with a NUL.
        change.text = text.text.map(without_nul);
        change.links = text.links.into_iter().map(without_nul).collect();
        change.tags = text.tags.into_iter().map(without_nul).collect();
        Ok(())
    }

    fn add_interaction(&mut self, told: i64, it: BatchedInteraction) -> Result<(), Error> {
        let kind: Kind = it.kind.parse().map_err(|_| malformed("an unknown kind"))?;
        let hash = it.post_hash.as_deref();
        let hash = hash.map_or(Ok(Uuid::nil()), |it| uuid(it, "a post hash is not 16 bytes"))?;
        let (subject, actor) = (it.subject_account_id, it.actor_account_id.unwrap_or(0));
        let count = told * i64::from(it.count);
        day(it.day)?;
        if !says_something(kind, hash, it.signal) {
            return Ok(());
        }
        self.of(subject, it.network)?;
        *self.reactions.entry((subject, hash, actor, kind.code(), it.day)).or_default() += count;
        if let Some(signal) = it.signal {
            let (day, label) = (it.day, None);
            let change = LabelChange { actor, kind, day, count: 0, told: 0, label };
            let change = self.labels.entry((subject, signal.cast_signed())).or_insert(change);
            change.told += told;
            change.count = it.count.into();
        }
        Ok(())
    }

    fn call(&mut self, label: BatchedLabel) -> Result<(), Error> {
        let change = self.labels.get_mut(&(label.account_id, label.signal.cast_signed()));
        let change = change.ok_or_else(|| malformed("a label without an interaction"))?;
        change.label = Some(without_nul(label.label));
        Ok(())
    }
}

/// Whether an interaction may tell what somebody is influential about, as the connector judges too (its
/// `says_something`): it sends batches with such alone. What else comes along with one of these is left out, so that
/// nothing rests on how signals were batched.
fn says_something(kind: Kind, post: Uuid, signal: Option<u64>) -> bool {
    let of_a_person = [Kind::Follow, Kind::List, Kind::Endorse, Kind::PlusK];
    !post.is_nil() || signal.is_some() || of_a_person.contains(&kind)
}

fn malformed(problem: &'static str) -> Error {
    Error::BatchMalformed { problem }
}

fn day(number: i32) -> Result<(), Error> {
    let possible =
        Day::from_date(time::Date::MIN).number()..=Day::from_date(time::Date::MAX).number();
    if possible.contains(&number) { Ok(()) } else { Err(malformed("an impossible day")) }
}

fn uuid(bytes: &[u8], problem: &'static str) -> Result<Uuid, Error> {
    Uuid::from_slice(bytes).map_err(|_| malformed(problem))
}

fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', " ") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(day: i32) -> BatchedPost {
        BatchedPost {
            account_id: 1,
            network: "bluesky".to_owned(),
            post_hash: vec![7; 16],
            day,
            signal: 3,
        }
    }

    fn text(text: &str) -> BatchedText {
        BatchedText {
            account_id: 1,
            post_hash: vec![7; 16],
            text: Some(text.to_owned()),
            signal: 3,
            ..BatchedText::default()
        }
    }

    fn endorsement() -> BatchedInteraction {
        BatchedInteraction {
            subject_account_id: 1,
            actor_account_id: Some(2),
            network: "bluesky".to_owned(),
            kind: "endorse".to_owned(),
            day: 9,
            count: 1,
            post_hash: None,
            signal: Some(4),
        }
    }

    fn label(signal: u64) -> BatchedLabel {
        BatchedLabel { account_id: 1, signal, label: "bread".to_owned() }
    }

    fn batch() -> SignalBatch {
        SignalBatch { batch_id: vec![1; 16], ..SignalBatch::default() }
    }

    #[test]
    fn a_post_comes_with_what_it_says() {
        let batch = SignalBatch { posts: vec![post(9)], texts: vec![text("a\0")], ..batch() };
        let posts = evidence(batch).expect("one of ours").posts;
        let change = &posts[&(1, Uuid::from_bytes([7; 16]), 3)];
        assert_eq!((change.day, change.told, change.text.as_deref()), (9, 1, Some("a ")));
    }

    #[test]
    fn what_is_told_and_taken_back_is_told_no_more() {
        let batch = SignalBatch {
            posts: vec![post(9)],
            retracted_posts: vec![post(9)],
            interactions: vec![endorsement()],
            retracted_interactions: vec![endorsement()],
            ..batch()
        };
        let evidence = evidence(batch).expect("one of ours");
        assert!(evidence.posts.values().all(|change| change.told == 0));
        assert!(evidence.labels.values().all(|change| change.told == 0));
        assert!(evidence.reactions.is_empty());
    }

    #[test]
    fn an_endorsement_is_a_reaction_and_a_label() {
        let (interactions, labels) = (vec![endorsement()], vec![label(4)]);
        let evidence =
            evidence(SignalBatch { interactions, labels, ..batch() }).expect("one of ours");
        let called: Vec<_> = evidence.labels.values().map(|it| it.label.as_deref()).collect();
        assert_eq!(called, [Some("bread")]);
        assert_eq!(evidence.reactions.len(), 1);
    }

    #[test]
    fn what_is_about_nothing_is_left_out_whatever_it_comes_with() {
        let like = |post_hash| BatchedInteraction {
            kind: "like".to_owned(),
            signal: None,
            subject_account_id: 5,
            post_hash,
            ..endorsement()
        };
        let interactions = vec![like(None), endorsement()];
        let of_both = evidence(SignalBatch { interactions, ..batch() }).expect("one of ours");
        assert_eq!(of_both.subjects(), BTreeSet::from([1]));
        assert_eq!(of_both.reactions.len(), 1);
        let interactions = vec![like(Some(vec![7; 16]))];
        let of_a_post = evidence(SignalBatch { interactions, ..batch() }).expect("one of ours");
        assert_eq!(of_a_post.reactions.len(), 1);
    }

    #[test]
    fn what_the_connector_does_not_send_is_refused() {
        assert!(evidence(SignalBatch::default()).is_err(), "no id");
        assert!(evidence(SignalBatch { texts: vec![text("a")], ..batch() }).is_err(), "no post");
        assert!(evidence(SignalBatch { labels: vec![label(4)], ..batch() }).is_err(), "alone");
        let broken = BatchedPost { post_hash: vec![1], ..post(1) };
        assert!(evidence(SignalBatch { posts: vec![broken], ..batch() }).is_err());
        let unknown = BatchedInteraction { kind: "poke".to_owned(), ..endorsement() };
        assert!(evidence(SignalBatch { posts: vec![post(i32::MIN)], ..batch() }).is_err());
        assert!(evidence(SignalBatch { interactions: vec![unknown], ..batch() }).is_err());
    }
}
