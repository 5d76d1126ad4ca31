//! The tags of a site's questions, by their titles and bodies alone.
//!
//! The site's own tags are the ontology: their names, and as descriptions what the site's users wrote of them.
//! No question's tags are looked at before it is judged.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, Result, anyhow};
use klout_import::post_text;
use klout_model::TopicId;
use klout_ontology::{Language, Ontology, Topic};
use klout_topic_math::words::{Matcher, Words};

use super::share;
use crate::validate::dump::{Row, named, rows, slug, tags_of, value};

/// So many predictions are judged of each question.
const PREDICTED: usize = 3;

/// A topic's description has no more.
const DESCRIPTION_BYTES_MAX: usize = 2_000;

/// What came of it.
pub(super) struct Site {
    questions: usize,
    tags: usize,
    given: usize,
    ours: Judged,
    names: Judged,
}

/// How many of the predictions people had made too.
#[derive(Default)]
struct Judged {
    right: usize,
    predicted: usize,
}

pub(super) fn measure(folder: &Path) -> Result<Site> {
    let (tags, posts) = (rows(folder, "Tags")?, rows(folder, "Posts")?);
    let ontology = Arc::new(ontology(&tags, &posts)?);
    let names: BTreeMap<TopicId, &str> =
        ontology.topics().iter().map(|it| (it.id, it.english_name())).collect();
    let matcher = Matcher::new(Arc::clone(&ontology));
    let (mut ours, mut by_name) = (Judged::default(), Judged::default());
    let (mut questions, mut given) = (0, 0);
    for question in posts.iter().filter(|it| value(it, "PostTypeId") == "1") {
        let tags: BTreeSet<String> = tags_of(question).map(named).collect();
        let (text, links) = text(question);
        let words = Words { text: &text, links: &links, ..Words::default() };
        let found = matcher.topics(&words, &[]);
        ours.judge(found.iter().map(|it| names[&it.topic]), &tags);
        by_name.judge(found_by_name(&text, names.values().copied()).into_iter(), &tags);
        questions += 1;
        given += tags.len();
    }
    Ok(Site { questions, tags: names.len(), given, ours, names: by_name })
}

// === impl Site ===

impl Site {
    /// How much more precise we are.
    pub(super) fn ratio(&self) -> f64 {
        self.precision(&self.ours) / self.precision(&self.names)
    }

    /// Of three predictions a question; one that was not made is wrong.
    fn precision(&self, judged: &Judged) -> f64 {
        share(judged.right, PREDICTED * self.questions)
    }

    pub(super) fn table(&self, least: f64) -> String {
        let Self { questions, tags, given, .. } = self;
        let line = |name: &str, judged: &Judged| {
            format!(
                "{name:<22}{:>14.3}{:>20.3}{:>10.3}",
                self.precision(judged),
                share(judged.right, judged.predicted),
                share(judged.right, *given),
            )
        };
        format!(
            "tags of {questions} questions, {tags} tags, by title and body\n\
             {:<22}{:>14}{:>20}{:>10}\n{}\n{}\n{:<22}{:>14.2}   at least {least}\n",
            "",
            "precision at 3",
            "of those predicted",
            "recall",
            line("ours", &self.ours),
            line("names as they are", &self.names),
            "ratio",
            self.ratio(),
        )
    }
}

// === impl Judged ===

impl Judged {
    fn judge<'a>(&mut self, predicted: impl Iterator<Item = &'a str>, given: &BTreeSet<String>) {
        for name in predicted.take(PREDICTED) {
            self.predicted += 1;
            self.right += usize::from(given.contains(name));
        }
    }
}

/// The tags of a site as an ontology.
fn ontology(tags: &[Row], posts: &[Row]) -> Result<Ontology> {
    let posts: HashMap<&str, &Row> = posts.iter().map(|it| (value(it, "Id"), it)).collect();
    let mut topics = Vec::new();
    for tag in tags {
        let number = value(tag, "Id");
        let id: TopicId = number.parse().with_context(|| format!("a tag {number}"))?;
        let told = ["ExcerptPostId", "WikiPostId"].map(|it| posts.get(value(tag, it)));
        let told: Vec<String> = told.into_iter().flatten().map(|it| text(it).0).collect();
        let name = value(tag, "TagName");
        topics.push(Topic {
            id,
            slug: slug(name),
            names: BTreeMap::from([(Language::ENGLISH, named(name))]),
            parents: Vec::new(),
            wikidata: None,
            phrases: Vec::new(),
            sensitive: false,
            description: Some(description(&told)).filter(|it| !it.is_empty()),
        });
    }
    Ontology::new("site", "1", topics)
        .map_err(|flaws| anyhow!("the tags are no ontology: {}", flaws[0]))
}

/// As much of it as a description may have, in one line.
fn description(told: &[String]) -> String {
    let words: Vec<&str> = told.iter().flat_map(|it| it.split_whitespace()).collect();
    let mut description = words.join(" ");
    description.truncate(description.floor_char_boundary(DESCRIPTION_BYTES_MAX));
    description.trim_end().to_owned()
}

/// The names that stand in a text as they are, but for hyphens, the most frequent first.
fn found_by_name<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let text = text.to_lowercase().replace('-', " ");
    let is_apart = |it: Option<char>| it.is_none_or(|it| !it.is_alphanumeric());
    let mut found: Vec<(usize, &str)> = names
        .map(|name| {
            let stands = text.match_indices(name).filter(|(at, _)| {
                is_apart(text[..*at].chars().next_back())
                    && is_apart(text[at + name.len()..].chars().next())
            });
            (stands.count(), name)
        })
        .filter(|it| it.0 > 0)
        .collect();
    found.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
    found.into_iter().map(|it| it.1).collect()
}

fn text(post: &Row) -> (String, Vec<String>) {
    let title = post.get("Title").map(String::as_str);
    let (text, links) = post_text(title, Some(value(post, "Body")));
    (text.unwrap_or_default(), links)
}
