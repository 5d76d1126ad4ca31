//! Records that people write, as far as signals are made of them. Nobody but their author has looked at them.

use std::borrow::Cow;

use serde::Deserialize;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// In bytes; the longest that anybody writes is a third of it.
const TIME_LENGTH_MAX: usize = 64;

/// `app.bsky.feed.post`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Post<'a> {
    #[serde(borrow, default)]
    pub(super) text: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) created_at: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) facets: Vec<Facet<'a>>,
    #[serde(borrow)]
    pub(super) embed: Option<Embed<'a>>,
    #[serde(borrow)]
    pub(super) reply: Option<Reply<'a>>,
    #[serde(borrow, default)]
    pub(super) tags: Vec<Cow<'a, str>>,
}

/// A part of a text that is more than text.
#[derive(Debug, Deserialize)]
pub(super) struct Facet<'a> {
    #[serde(borrow, default)]
    pub(super) features: Vec<Feature<'a>>,
}

/// What a part of a text is. Which of these is there says what: a mention, a link or a tag.
#[derive(Debug, Deserialize)]
pub(super) struct Feature<'a> {
    #[serde(borrow)]
    pub(super) did: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) uri: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) tag: Option<Cow<'a, str>>,
}

/// What a post shows beneath: a page, pictures, another record, or that with either of the others.
#[derive(Debug, Deserialize)]
pub(super) struct Embed<'a> {
    #[serde(borrow)]
    external: Option<External<'a>>,
    #[serde(borrow)]
    record: Option<Quoted<'a>>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
}

#[derive(Debug, Deserialize)]
struct External<'a> {
    #[serde(borrow)]
    uri: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    external: Option<External<'a>>,
}

/// The record that is shown, itself or once more inside.
#[derive(Debug, Deserialize)]
struct Quoted<'a> {
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow)]
    record: Option<Reference<'a>>,
}

/// What a post answers.
#[derive(Debug, Deserialize)]
pub(super) struct Reply<'a> {
    #[serde(borrow)]
    pub(super) parent: Reference<'a>,
}

/// Another record.
#[derive(Debug, Deserialize)]
pub(super) struct Reference<'a> {
    #[serde(borrow)]
    pub(super) uri: Cow<'a, str>,
}

/// `app.bsky.feed.like` and `app.bsky.feed.repost`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reaction<'a> {
    #[serde(borrow)]
    pub(super) subject: Reference<'a>,
    #[serde(borrow)]
    pub(super) created_at: Cow<'a, str>,
}

/// `app.bsky.graph.follow`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Follow<'a> {
    #[serde(borrow)]
    pub(super) subject: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) created_at: Cow<'a, str>,
}

// === impl Embed ===

impl Embed<'_> {
    /// The page that is shown.
    pub(super) fn link(&self) -> Option<&str> {
        let inside = self.media.as_ref().and_then(|it| it.external.as_ref());
        self.external.as_ref().or(inside).map(|it| it.uri.as_ref())
    }

    /// The record that is shown.
    pub(super) fn quoted(&self) -> Option<&str> {
        let quoted = self.record.as_ref()?;
        let inside = quoted.record.as_ref().map(|it| &it.uri);
        quoted.uri.as_ref().or(inside).map(AsRef::as_ref)
    }
}

/// When something happened, as whoever did it says. Some say no time zone, and mean UTC.
pub(super) fn moment(text: &str) -> Option<OffsetDateTime> {
    if text.len() > TIME_LENGTH_MAX {
        return None;
    }
    let read = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let time = read(text).or_else(|| read(&format!("{text}Z")))?;
    time.checked_to_offset(UtcOffset::UTC)
}
