//! What a post is about, by its words. docs/topics-words.md tells the whole of it.
//!
//! Everything that topics are called is looked for in one pass. What is found is weighed by where it stands,
//! by the language that it is in, and by what else the post says: a name that means several things needs
//! something beside it that speaks for one of them.

mod evidence;
mod fold;
mod inflect;
mod kinship;
mod language;
mod lists;
mod portraits;
mod sources;
mod vocabulary;
mod weigh;

use std::sync::Arc;

use klout_model::TopicId;
use klout_ontology::{Language, Ontology};

use self::{
    kinship::Kinship, language::Languages, portraits::Portraits, sources::Sources,
    vocabulary::Vocabulary,
};

/// What a post says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words<'a> {
    /// Plain text. Of a longer one the first 128 KiB are read.
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

/// Reads posts by one ontology. Made once, since that takes long; used by many.
#[derive(Debug)]
pub struct Matcher {
    ontology: Arc<Ontology>,
    vocabulary: Vocabulary,
    portraits: Portraits,
    kinship: Kinship,
    languages: Languages,
}

/// A post has so many topics at most.
pub const TOPICS_MAX: usize = 10;
/// A topic of a post has so many phrases at most.
pub const WORDS_MAX: usize = 8;

// === impl Matcher ===

impl Matcher {
    /// Whatever an ontology holds, what is made of it is bounded: see [`Self::left_out`].
    #[must_use]
    pub fn new(ontology: Arc<Ontology>) -> Self {
        let kinship = Kinship::new(&ontology);
        let languages = ontology.topics().iter().flat_map(|topic| {
            let phrases = topic.phrases.iter().filter_map(|it| it.language);
            topic.names.keys().copied().chain(phrases)
        });
        Self {
            vocabulary: Vocabulary::new(&ontology, &kinship),
            portraits: Portraits::new(&ontology),
            languages: Languages::new(languages),
            kinship,
            ontology,
        }
    }

    /// What a post is about, the most first. Topics whose names say nothing of it, such as ancestors of those
    /// that it names, are not among them; sensitive topics are.
    ///
    /// `author`: what else its author is known to write about, which speaks for one meaning of a name, and for
    /// nothing that the post does not name.
    ///
    /// The order of tags, links and the author's topics does not matter.
    #[must_use]
    pub fn topics(&self, words: &Words<'_>, author: &[TopicId]) -> Vec<PostTopic> {
        let sources = Sources::new(words.text, words.tags, words.links);
        weigh::topics(self, words, &sources, author)
    }

    /// The language that a post is in. `None`: nobody said, and there is too little text to tell.
    #[must_use]
    pub fn language(&self, words: &Words<'_>) -> Option<Language> {
        words.language.or_else(|| {
            let sources = Sources::new(words.text, &[], &[]);
            self.languages.tell(sources.texts[0], &sources.folded)
        })
    }

    /// The ontology that it reads by.
    #[must_use]
    pub const fn ontology(&self) -> &Arc<Ontology> {
        &self.ontology
    }

    /// How many phrases of the ontology, and forms of phrases, it does not look for: because there are too many
    /// of them, or because so many topics are called so that it says nothing.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.vocabulary.left_out()
    }

    /// What it holds in memory, without the ontology.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.vocabulary.bytes() + self.portraits.bytes() + self.kinship.bytes()
    }
}

/// A place in a post or in an ontology. Of both only so much is read that it is far below.
fn index(at: usize) -> u32 {
    u32::try_from(at).expect("what is read is bounded")
}
