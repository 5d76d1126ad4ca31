//! What a post is about, by its words.

mod fold;

use klout_model::TopicId;
use klout_ontology::Language;

/// What a post says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words<'a> {
    /// Plain text.
    pub text: &'a str,
    /// URLs.
    pub links: &'a [String],
    /// How its author tagged it, with or without `#`.
    pub tags: &'a [String],
    /// `None`: told by the text.
    pub language: Option<Language>,
}

/// A topic of a post.
#[derive(Clone, Debug, PartialEq)]
pub struct PostTopic {
    pub topic: TopicId,
    /// How much of the post is about it, above 0 and at most 1.
    pub weight: f32,
    /// What said so, as it stands in the post: at most 8 phrases, the strongest first.
    pub words: Vec<String>,
}
