//! An edition of an ontology, and what can be asked of it.

use std::sync::{Arc, OnceLock};

use klout_model::TopicId;

use crate::{
    canonical,
    check::{Checked, check},
    draft::Draft,
    file::{self, File},
    flaw::{Findings, Flaw, Notice, Place, quoted},
    graph::{Graph, small},
    moves::{self, Move},
    search::Search,
    shipped,
    topic::{Language, Topic},
};

/// Of the name of an ontology, and of an edition.
const NAME_BYTES_MAX: usize = 64;

/// Topics that fit together: one edition of one ontology. Never changes.
#[derive(Debug)]
pub struct Ontology {
    name: String,
    edition: String,
    checksum: String,
    topics: Vec<Topic>,
    /// Places in `topics`, in order of slug.
    by_slug: Vec<u32>,
    graph: Graph,
    search: OnceLock<Search>,
}

// === impl Ontology ===

impl Ontology {
    /// The one that ships with the project.
    #[must_use]
    pub fn shipped() -> &'static Arc<Self> {
        shipped::ontology()
    }

    /// An ontology of topics that somebody made.
    ///
    /// # Errors
    ///
    /// What is wrong with them; the order of `topics` does not matter.
    pub fn new(name: &str, edition: &str, topics: Vec<Topic>) -> Result<Self, Vec<Flaw>> {
        let mut findings = Findings::default();
        let drafts = topics.into_iter().map(Draft::from).collect();
        Self::of_drafts(name, edition, drafts, &mut findings).ok_or_else(|| findings.into_flaws())
    }

    /// Reads the files of one edition, ours or Klout's, plain or gzip. Their order and names do not matter.
    ///
    /// # Errors
    ///
    /// What is wrong with them, in which file and line: up to 20 flaws.
    pub fn read(
        name: &str,
        edition: &str,
        files: Vec<File>,
    ) -> Result<(Self, Vec<Notice>), Vec<Flaw>> {
        let mut findings = Findings::default();
        let drafts = file::read(files, &mut findings);
        let ontology =
            drafts.and_then(|drafts| Self::of_drafts(name, edition, drafts, &mut findings));
        match ontology {
            Some(ontology) => Ok((ontology, findings.into_notices())),
            None => Err(findings.into_flaws()),
        }
    }

    /// What [`write`](Self::write) wrote.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<Flaw>> {
        let mut findings = Findings::default();
        let parsed = canonical::parse(bytes, &mut findings);
        let ontology = parsed.and_then(|(header, drafts)| {
            Self::of_drafts(&header.ontology, &header.edition, drafts, &mut findings)
        });
        ontology.ok_or_else(|| findings.into_flaws())
    }

    /// All of it, gzip: what a database keeps. The same edition gives the same bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        canonical::write(&self.name, &self.edition, &self.topics)
    }

    /// Where each topic of `old` leads to in `new`, in order of old id.
    #[must_use]
    pub fn moves(old: &Self, new: &Self) -> Vec<Move> {
        moves::moves(old, new)
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn edition(&self) -> &str {
        &self.edition
    }

    /// BLAKE3 over the topics in hexadecimal: two editions with the same one have the same topics, whatever
    /// they are called and from whatever files they were read.
    #[must_use]
    pub fn checksum(&self) -> &str {
        &self.checksum
    }

    /// In order of id.
    #[must_use]
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// Where a topic is in [`topics`](Self::topics).
    #[must_use]
    pub fn place(&self, topic: TopicId) -> Option<u32> {
        self.topics.binary_search_by_key(&topic, |it| it.id).ok().map(small)
    }

    #[must_use]
    pub fn get(&self, topic: TopicId) -> Option<&Topic> {
        self.place(topic).map(|place| &self.topics[place as usize])
    }

    /// Case does not matter.
    #[must_use]
    pub fn by_slug(&self, slug: &str) -> Option<&Topic> {
        let slug = slug.to_lowercase();
        let found = self
            .by_slug
            .binary_search_by(|&place| self.topics[place as usize].slug.to_lowercase().cmp(&slug));
        found.ok().map(|at| &self.topics[self.by_slug[at] as usize])
    }

    /// By id or slug: what people type. No slug has digits only.
    #[must_use]
    pub fn find(&self, topic: &str) -> Option<&Topic> {
        match topic.parse() {
            Ok(id) => self.get(id),
            Err(_) => self.by_slug(topic),
        }
    }

    /// What is directly part of a topic, in order of id. Empty also for an unknown topic, as with the next two.
    #[must_use]
    pub fn children(&self, topic: TopicId) -> &[TopicId] {
        self.place(topic).map_or(&[], |place| self.graph.children.get(place))
    }

    /// All that a topic is part of, at any depth, without itself, in order of id.
    #[must_use]
    pub fn ancestors(&self, topic: TopicId) -> &[TopicId] {
        self.place(topic).map_or(&[], |place| self.graph.ancestors.get(place))
    }

    /// All that is part of a topic, at any depth, without itself, in order of id.
    #[must_use]
    pub fn descendants(&self, topic: TopicId) -> &[TopicId] {
        self.place(topic).map_or(&[], |place| self.graph.descendants.get(place))
    }

    /// How far a topic is from the top on the shortest way: 1 is at the top. 0: unknown topic.
    #[must_use]
    pub fn level(&self, topic: TopicId) -> u32 {
        self.place(topic).map_or(0, |place| self.graph.levels[place as usize])
    }

    /// Whether a topic or anything that it is part of is sensitive.
    #[must_use]
    pub fn is_sensitive(&self, topic: TopicId) -> bool {
        self.place(topic).is_some_and(|place| self.graph.sensitive[place as usize])
    }

    /// What a topic is called in a language if it has a name in it, else in English, and which one it is.
    /// An unknown topic is called nothing.
    #[must_use]
    pub fn display_name(&self, topic: TopicId, language: Option<Language>) -> (&str, Language) {
        let Some(topic) = self.get(topic) else { return ("", Language::ENGLISH) };
        let wanted = language.and_then(|it| topic.names.get(&it).map(|name| (name.as_str(), it)));
        wanted.unwrap_or_else(|| (topic.english_name(), Language::ENGLISH))
    }

    /// Topics of which a name, a word of a name, an alias or the slug begins with `query`, in any language,
    /// the best match first: whole names, then names, then words of names. Case and accents do not matter.
    /// Empty: all, by English name. With a parent only those that are part of it, at any depth.
    #[must_use]
    pub fn search(&self, query: &str, parent: Option<TopicId>) -> Vec<TopicId> {
        let search =
            self.search.get_or_init(|| Search::new(&self.topics, |it| self.graph.levels[it]));
        let mut found = search.find(query);
        if let Some(parent) = parent {
            let below = self.descendants(parent);
            found.retain(|place| below.binary_search(&self.topics[*place as usize].id).is_ok());
        }
        found.into_iter().map(|place| self.topics[place as usize].id).collect()
    }

    fn of_drafts(
        name: &str,
        edition: &str,
        drafts: Vec<Draft>,
        findings: &mut Findings,
    ) -> Option<Self> {
        for (what, text, signs) in [("ontology", name, "-_"), ("edition", edition, "-_.")] {
            let allowed =
                |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || signs.contains(it);
            if !matches!(text.len(), 1..=NAME_BYTES_MAX) || !text.chars().all(allowed) {
                let text = quoted(text);
                let problem = format!(
                    "{text} cannot name an {what}: 1 to {NAME_BYTES_MAX} of a-z, 0-9 and {signs}"
                );
                findings.flaw(Place::default(), problem);
            }
        }
        let Checked { topics, graph } = check(drafts, findings)?;
        if findings.any_flaw() {
            return None;
        }
        let mut by_slug: Vec<u32> = (0..small(topics.len())).collect();
        by_slug.sort_by_cached_key(|&place| topics[place as usize].slug.to_lowercase());
        let (name, edition) = (name.to_owned(), edition.to_owned());
        let checksum = canonical::checksum(&topics);
        Some(Self { name, edition, checksum, topics, by_slug, graph, search: OnceLock::new() })
    }
}
