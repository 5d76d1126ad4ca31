//! Topics as they were read, before anybody looked whether they fit together.

use std::collections::BTreeMap;

use klout_model::TopicId;

use crate::{
    flaw::{Findings, Place, quoted},
    topic::{Language, Phrase, Topic},
};

/// A name or a phrase longer than this is a sentence and tells nothing. In bytes.
const TEXT_BYTES_MAX: usize = 200;

/// A description is a sentence or two. In bytes.
const DESCRIPTION_BYTES_MAX: usize = 2_000;

/// The longest that Klout published has 42.
const SLUG_BYTES_MAX: usize = 100;

/// What a slug may have besides letters, digits and hyphens: Klout's have such signs.
const SLUG_SIGNS: &str = "-_.+!$&'()*,:;=@/#~";

/// A topic and where its file says so.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) id: TopicId,
    pub(crate) slug: String,
    pub(crate) names: BTreeMap<Language, String>,
    pub(crate) parents: Vec<Parent>,
    pub(crate) wikidata: Option<String>,
    pub(crate) phrases: Vec<Phrase>,
    pub(crate) sensitive: bool,
    pub(crate) description: Option<String>,
    pub(crate) at: Place,
}

/// What a topic is part of, and where its file says so.
#[derive(Debug)]
pub(crate) struct Parent {
    pub(crate) topic: ParentTopic,
    pub(crate) at: Place,
}

#[derive(Debug)]
pub(crate) enum ParentTopic {
    Id(TopicId),
    Slug(String),
}

// === impl Draft ===

impl Draft {
    /// Finds what is wrong with this topic alone.
    pub(crate) fn check(&self, findings: &mut Findings) {
        let slug = quoted(&self.slug);
        if let Some(problem) = slug_problem(&self.slug) {
            findings.flaw(self.at, format!("the slug {slug} {problem}"));
        }
        if !self.names.contains_key(&Language::ENGLISH) {
            findings.flaw(self.at, format!("the topic {slug} has no English name"));
        }
        for name in self.names.values() {
            if let Some(problem) = text_problem(name) {
                let name = quoted(name);
                findings.flaw(self.at, format!("the name {name} of the topic {slug} {problem}"));
            }
        }
        for Phrase { text, .. } in &self.phrases {
            if let Some(problem) = text_problem(text) {
                let text = quoted(text);
                findings.flaw(self.at, format!("the phrase {text} of the topic {slug} {problem}"));
            }
        }
        if let Some(item) = &self.wikidata
            && !is_wikidata_item(item)
        {
            let item = quoted(item);
            let problem = format!("{item} is no item of Wikidata; those look like Q11633");
            findings.flaw(self.at, problem);
        }
        if let Some(description) = &self.description {
            let long = description.len() > DESCRIPTION_BYTES_MAX;
            if long || description.trim().is_empty() || description.contains(char::is_control) {
                let problem = format!(
                    "the description of the topic {slug} is empty, has control characters, or has more than \
                     {DESCRIPTION_BYTES_MAX} bytes"
                );
                findings.flaw(self.at, problem);
            }
        }
    }
}

impl From<Topic> for Draft {
    fn from(topic: Topic) -> Self {
        let at = Place::default();
        let parent = |topic| Parent { topic: ParentTopic::Id(topic), at };
        Self {
            id: topic.id,
            slug: topic.slug,
            names: topic.names,
            parents: topic.parents.into_iter().map(parent).collect(),
            wikidata: topic.wikidata,
            phrases: topic.phrases,
            sensitive: topic.sensitive,
            description: topic.description,
            at,
        }
    }
}

/// What is wrong with a name or phrase.
pub(crate) fn text_problem(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        Some("is empty".to_owned())
    } else if text.len() > TEXT_BYTES_MAX {
        Some(format!("has more than {TEXT_BYTES_MAX} bytes"))
    } else if text.contains(char::is_control) {
        Some("has control characters".to_owned())
    } else {
        None
    }
}

fn slug_problem(slug: &str) -> Option<String> {
    let allowed = |it: char| it.is_alphanumeric() || SLUG_SIGNS.contains(it);
    if slug.is_empty() {
        Some("is empty".to_owned())
    } else if slug.len() > SLUG_BYTES_MAX {
        Some(format!("has more than {SLUG_BYTES_MAX} bytes"))
    } else if !slug.chars().all(allowed) {
        Some(format!("has more than letters, digits and {SLUG_SIGNS}"))
    } else if slug.chars().all(|it| it.is_ascii_digit()) {
        Some("has digits only, as ids have".to_owned())
    } else {
        None
    }
}

fn is_wikidata_item(item: &str) -> bool {
    let digits = item.strip_prefix('Q').unwrap_or_default();
    let decimal = digits.bytes().all(|it| it.is_ascii_digit());
    decimal && matches!(digits.len(), 1..=12) && !digits.starts_with('0')
}
