//! What happened, as signals: the same whether a list tells of it or the stream.

use klout_proto::{
    convert,
    signal::v1::{Account, Counter, Interaction, Post, Signal, signal::Content},
};
use time::OffsetDateTime;

use super::{NETWORK, record};

/// In bytes, of a DID: what an account's name may have with us. None of today has more than 100.
const DID_LENGTH_MAX: usize = 256;

/// In bytes, of a record's key. Most have 13.
const KEY_LENGTH_MAX: usize = 128;

/// In bytes, of a post's text: a post of the network may have 3,000.
const TEXT_LENGTH_MAX: usize = 16 * 1024;

/// Links of a post, and tags of one.
const LINKS_MAX: usize = 32;

/// In bytes, of a link and of a tag.
const LINK_LENGTH_MAX: usize = 2_048;

pub(super) const POSTS: &str = "app.bsky.feed.post";

/// What the network says when a handle does not lead to its account.
const NO_HANDLE: &str = "handle.invalid";

/// Where a record is: `at://DID/COLLECTION/KEY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) did: &'a str,
    pub(super) collection: &'a str,
    pub(super) key: &'a str,
}

// === impl Place ===

impl<'a> Place<'a> {
    pub(super) fn read(uri: &'a str) -> Option<Self> {
        let mut parts = uri.strip_prefix("at://")?.split('/');
        let place = Self { did: parts.next()?, collection: parts.next()?, key: parts.next()? };
        let whole = parts.next().is_none() && is_did(place.did) && is_key(place.key);
        whole.then_some(place)
    }

    /// Where a post is, if it is one.
    pub(super) fn of_post(uri: &'a str) -> Option<Self> {
        Self::read(uri).filter(|it| it.collection == POSTS)
    }
}

pub(super) fn is_did(text: &str) -> bool {
    let rest = text.strip_prefix("did:");
    let allowed = |it: u8| it.is_ascii_alphanumeric() || b"._:%-".contains(&it);
    text.len() <= DID_LENGTH_MAX
        && rest.is_some_and(|rest| rest.contains(':') && rest.bytes().all(allowed))
}

pub(super) fn is_key(text: &str) -> bool {
    let allowed = |it: u8| it.is_ascii_alphanumeric() || b"._:~-".contains(&it);
    (1..=KEY_LENGTH_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// An account as signals name it.
pub(super) fn account(did: &str, handle: Option<&str>) -> Option<Account> {
    let fits = |it: &&str| !it.is_empty() && it.len() <= 253 && !it.contains(char::is_control);
    let handle = handle.filter(|it| *it != NO_HANDLE).filter(fits).map(str::to_owned);
    is_did(did).then(|| Account { native_id: did.to_owned(), handle })
}

/// Somebody liked a post. It has the time in its id: a like that was taken back and is given again is another one.
pub(super) fn like(
    post: &str,
    actor: Account,
    created: OffsetDateTime,
    known: OffsetDateTime,
) -> Option<Signal> {
    let millis = created.unix_timestamp_nanos().div_euclid(1_000_000);
    let id = format!("like/{post}/{}/{millis}", actor.native_id);
    let subject = account(Place::of_post(post)?.did, None)?;
    Some(interaction(id, created.min(known), "like", actor, subject, Some(post)))
}

/// Somebody reposted a post. Lists do not say when, so the id does not either.
pub(super) fn repost(post: &str, actor: Account, time: OffsetDateTime) -> Option<Signal> {
    let id = format!("repost/{post}/{}", actor.native_id);
    let subject = account(Place::of_post(post)?.did, None)?;
    Some(interaction(id, time, "reshare", actor, subject, Some(post)))
}

/// Somebody quoted a post in one of their own.
pub(super) fn quote(post: &str, by: &str, actor: Account, time: OffsetDateTime) -> Option<Signal> {
    let subject = account(Place::of_post(post)?.did, None)?;
    Some(interaction(format!("quote/{by}"), time, "reshare", actor, subject, Some(post)))
}

/// Somebody answered a post with one of their own.
pub(super) fn reply(post: &str, by: &str, actor: Account, time: OffsetDateTime) -> Option<Signal> {
    let subject = account(Place::of_post(post)?.did, None)?;
    Some(interaction(format!("reply/{by}"), time, "reply", actor, subject, Some(post)))
}

/// Somebody named an account in a post of their own, which is no post of that account: so none is told.
pub(super) fn mention(subject: Account, by: &str, actor: Account, time: OffsetDateTime) -> Signal {
    interaction(format!("mention/{by}"), time, "mention", actor, subject, None)
}

/// Somebody follows an account. Lists do not say since when, so the id does not either.
pub(super) fn follow(subject: Account, actor: Account, time: OffsetDateTime) -> Signal {
    interaction(format!("follow/{}", actor.native_id), time, "follow", actor, subject, None)
}

/// An account published something.
pub(super) fn post(
    uri: &str,
    author: Account,
    time: OffsetDateTime,
    record: &record::Post<'_>,
) -> Signal {
    let text = record.text.replace('\0', "");
    let text = (!text.is_empty() && text.len() <= TEXT_LENGTH_MAX).then_some(text);
    let features = || record.facets.iter().flat_map(|it| &it.features);
    let links = features().filter_map(|it| it.uri.as_deref());
    let links = some(links.chain(record.embed.as_ref().and_then(record::Embed::link)));
    let tags = features().filter_map(|it| it.tag.as_deref());
    let tags = some(tags.chain(record.tags.iter().map(AsRef::as_ref)));
    let post = Post { account: Some(author), post: uri.to_owned(), text, links, tags };
    signal(format!("post/{uri}"), time, Content::Post(post))
}

/// A number that the network keeps for an account, as it read at a time.
pub(super) fn counter(account: Account, name: &str, value: u64, now: OffsetDateTime) -> Signal {
    let millis = now.unix_timestamp_nanos().div_euclid(1_000_000);
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2⁵³ followers")]
    let value = value as f64;
    let counter = Counter { account: Some(account), name: name.to_owned(), value, post: None };
    signal(format!("counter/{name}/{millis}"), now, Content::Counter(counter))
}

/// Each of these once, as far as they can be kept.
fn some<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        let fits = (1..=LINK_LENGTH_MAX).contains(&text.len()) && !text.contains('\0');
        if fits && kept.len() < LINKS_MAX && !kept.iter().any(|it| it == text) {
            kept.push(text.to_owned());
        }
    }
    kept
}

fn interaction(
    id: String,
    time: OffsetDateTime,
    kind: &str,
    actor: Account,
    subject: Account,
    post: Option<&str>,
) -> Signal {
    let content = Content::Interaction(Interaction {
        actor: Some(actor),
        subject: Some(subject),
        kind: kind.to_owned(),
        count: None,
        post: post.map(str::to_owned),
        label: None,
    });
    signal(id, time, content)
}

fn signal(signal_id: String, time: OffsetDateTime, content: Content) -> Signal {
    let time = Some(convert::timestamp(time));
    Signal { network: NETWORK.to_owned(), signal_id, time, content: Some(content) }
}
