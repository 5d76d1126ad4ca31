//! The files that Klout published: CSV with topics, with edges and with names in other languages, told by their
//! first lines.

use std::collections::{BTreeMap, BTreeSet};

use csv::StringRecord;
use klout_model::TopicId;

use crate::{
    draft::{Draft, Parent, ParentTopic, text_problem},
    flaw::{Findings, Place, quoted},
    sensitive,
    topic::{Language, Phrase, PhraseKind},
};

/// What stands for nothing.
const NULL: &str = "null";

/// The root, which is no topic: what is below it is at the top.
const ROOT: (&str, &str) = ("0", "_ROOT_");

/// More topics than this without a row, and the file of topics is not whole. Klout's last edition has one.
const WITHOUT_ROW_MAX: usize = 20;

/// A CSV file of Klout's ontology.
pub(crate) struct KloutFile {
    content: Vec<u8>,
    columns: Columns,
}

/// Where the columns are that matter.
enum Columns {
    Topics { id: usize, slug: usize, name: usize, wikidata: Option<usize> },
    Edges { parent: usize, parent_slug: usize, child: usize, child_slug: usize },
    Names { id: usize, language: usize, name: usize },
}

/// What was read of the files so far.
#[derive(Debug, Default)]
pub(crate) struct Klout {
    topics: Vec<Row>,
    edges: Vec<Edge>,
    names: Vec<Name>,
    any_edges: bool,
}

#[derive(Debug)]
struct Row {
    id: TopicId,
    slug: String,
    name: Option<String>,
    wikidata: Option<String>,
    at: Place,
}

#[derive(Debug)]
struct Edge {
    /// `None`: the root.
    parent: Option<TopicId>,
    parent_slug: String,
    child: TopicId,
    child_slug: String,
    at: Place,
}

#[derive(Debug)]
struct Name {
    topic: TopicId,
    language: Language,
    name: String,
    at: Place,
}

/// Counts rows of one kind that are odd, so that one notice tells of all.
#[derive(Default)]
struct Odd {
    count: usize,
    first: Option<Place>,
}

// === impl KloutFile ===

impl KloutFile {
    /// Gives the content back when its first line is of none of the files.
    pub(crate) fn new(content: Vec<u8>) -> Result<Self, Vec<u8>> {
        match Columns::new(&content) {
            Some(columns) => Ok(Self { content, columns }),
            None => Err(content),
        }
    }
}

// === impl Columns ===

impl Columns {
    fn new(content: &[u8]) -> Option<Self> {
        let end = content.iter().position(|&byte| byte == b'\n').unwrap_or(content.len());
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&content[..end]);
        let header = reader.records().next()?.ok()?;
        let column = |names: &[&str]| {
            header.iter().position(|column| {
                let column = column.trim_start_matches('\u{feff}').trim();
                names.iter().any(|name| column.eq_ignore_ascii_case(name))
            })
        };
        if let (Some(parent), Some(child)) = (column(&["parentTopicId"]), column(&["childTopicId"]))
        {
            // Misspelt in what was published, and spelt right in what describes it.
            let parent_slug = column(&["parentTopicSlug", "parrentTopicSlug"])?;
            let child_slug = column(&["childTopicSlug"])?;
            return Some(Self::Edges { parent, parent_slug, child, child_slug });
        }
        let (id, name) = (column(&["topicId"])?, column(&["topicDisplayName"])?);
        if let Some(slug) = column(&["topicSlug"]) {
            return Some(Self::Topics { id, slug, name, wikidata: column(&["wikiItemId"]) });
        }
        Some(Self::Names { id, language: column(&["language"])?, name })
    }
}

// === impl Klout ===

impl Klout {
    pub(crate) fn read(&mut self, file: KloutFile, at: Place, findings: &mut Findings) {
        let KloutFile { content, columns } = file;
        self.any_edges |= matches!(columns, Columns::Edges { .. });
        let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&content);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(content);
        let width = reader.headers().map_or(0, StringRecord::len);
        let mut record = StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(false) => return,
                Ok(true) => {
                    let at = at.line(record.position().map_or(0, csv::Position::line));
                    if record.len() == width {
                        self.row(&columns, &record, at, findings);
                    } else {
                        let columns = record.len();
                        let problem = format!("has {columns} columns, and the first line {width}");
                        findings.flaw(at, problem);
                    }
                }
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    findings.flaw(at.line(line), "is not UTF-8");
                    if !matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) {
                        return;
                    }
                }
            }
        }
    }

    fn row(
        &mut self,
        columns: &Columns,
        record: &StringRecord,
        at: Place,
        findings: &mut Findings,
    ) {
        let field = |column: usize| record.get(column).unwrap_or_default().trim();
        let present =
            |column: usize| Some(field(column)).filter(|it| !it.is_empty() && *it != NULL);
        match *columns {
            Columns::Topics { id, slug, name, wikidata } => {
                if (field(id), field(slug)) == ROOT {
                    findings.notice(at, "the root is no topic, and was left out");
                    return;
                }
                let Some(id) = topic(field(id), at, findings) else { return };
                self.topics.push(Row {
                    id,
                    slug: field(slug).to_owned(),
                    name: present(name).map(str::to_owned),
                    wikidata: wikidata.and_then(present).map(str::to_owned),
                    at,
                });
            }
            Columns::Edges { parent, parent_slug, child, child_slug } => {
                let root = (field(parent), field(parent_slug)) == ROOT;
                if root && (field(child), field(child_slug)) == ROOT {
                    findings.notice(at, "the root is part of itself, which says nothing; left out");
                    return;
                }
                let parent = if root { None } else { topic(field(parent), at, findings) };
                let Some(child) = topic(field(child), at, findings) else { return };
                if !root && parent.is_none() {
                    return;
                }
                let slugs = (field(parent_slug).to_owned(), field(child_slug).to_owned());
                let (parent_slug, child_slug) = slugs;
                self.edges.push(Edge { parent, parent_slug, child, child_slug, at });
            }
            Columns::Names { id, language, name } => {
                if field(id) == ROOT.0 {
                    findings.notice(at, "the root is no topic, and its name was left out");
                    return;
                }
                let topic = topic(field(id), at, findings);
                let language = match field(language).parse::<Language>() {
                    Ok(language) => Some(language),
                    Err(error) => {
                        let code = quoted(field(language));
                        findings.flaw(at, format!("the language {code}: {error}"));
                        None
                    }
                };
                let Some(name) = present(name).map(str::to_owned) else { return };
                if let Some(problem) = text_problem(&name) {
                    findings.flaw(at, format!("the name {} {problem}", quoted(&name)));
                } else if let (Some(topic), Some(language)) = (topic, language) {
                    self.names.push(Name { topic, language, name, at });
                }
            }
        }
    }

    /// Puts the files together.
    pub(crate) fn into_drafts(mut self, findings: &mut Findings) -> Vec<Draft> {
        if self.topics.is_empty() {
            let problem = "there is no file of topics, or none is in it: topicId, topicSlug, topicDisplayName";
            findings.flaw(Place::default(), problem);
            return Vec::new();
        }
        if !self.any_edges {
            let problem = "there is no file of edges, whose first line has parentTopicId, parentTopicSlug, \
                           childTopicId, childTopicSlug";
            findings.flaw(Place::default(), problem);
            return Vec::new();
        }
        self.add_topics_without_row(findings);
        let mut drafts: Vec<Draft> = self.topics.into_iter().map(Row::into_draft).collect();
        // Several with one id are a flaw that is told later; here any of them will do.
        let mut places: BTreeMap<TopicId, usize> = BTreeMap::new();
        for (place, draft) in drafts.iter().enumerate() {
            places.entry(draft.id).or_insert(place);
        }

        let mut other_slugs = Odd::default();
        for edge in self.edges {
            let slug_of = |id: &TopicId| places.get(id).map(|&place| drafts[place].slug.as_str());
            let parent_differs = edge.parent.is_some_and(|parent| {
                slug_of(&parent).is_some_and(|slug| slug != edge.parent_slug)
            });
            let child_differs = slug_of(&edge.child).is_some_and(|slug| slug != edge.child_slug);
            if parent_differs || child_differs {
                other_slugs.add(edge.at);
            }
            let Some(&place) = places.get(&edge.child) else { continue };
            if let Some(parent) = edge.parent {
                let parent = Parent { topic: ParentTopic::Id(parent), at: edge.at };
                drafts[place].parents.push(parent);
            }
        }
        other_slugs.tell(findings, |count| {
            format!("{count} edges have slugs that their topics do not have; the ids were believed")
        });

        let mut unknown = Odd::default();
        self.names
            .sort_by(|a, b| (a.topic, a.language, &a.name).cmp(&(b.topic, b.language, &b.name)));
        for Name { topic, language, name, at } in self.names {
            let Some(&place) = places.get(&topic) else {
                unknown.add(at);
                continue;
            };
            let draft = &mut drafts[place];
            match draft.names.get(&language) {
                None => {
                    draft.names.insert(language, name);
                }
                Some(first) if *first != name => {
                    let (language, kind) = (Some(language), PhraseKind::Alias);
                    draft.phrases.push(Phrase { language, text: name, kind });
                }
                Some(_) => {}
            }
        }
        unknown.tell(findings, |count| {
            format!("{count} names are of topics that are not there, and were left out")
        });
        drafts
    }

    /// A topic that edges place and that has no row becomes one named after its slug. Its children stay together
    /// so, and an edition that has its row finds it by its id.
    fn add_topics_without_row(&mut self, findings: &mut Findings) {
        let known: BTreeSet<TopicId> = self.topics.iter().map(|row| row.id).collect();
        let mut added: BTreeMap<TopicId, Row> = BTreeMap::new();
        for edge in &self.edges {
            if known.contains(&edge.child) {
                continue;
            }
            let Edge { child: id, child_slug: slug, at, .. } = edge;
            let (id, slug, at) = (*id, slug.clone(), *at);
            added.entry(id).or_insert_with(|| Row {
                id,
                name: Some(name_of_slug(&slug)),
                slug,
                wikidata: None,
                at,
            });
        }
        if added.len() > WITHOUT_ROW_MAX {
            let problem = format!(
                "{} topics of the edges have no row, of which at most {WITHOUT_ROW_MAX} are let pass; is the file \
                 of topics whole?",
                added.len()
            );
            let first = added.values().map(|row| row.at).min().unwrap_or_default();
            findings.flaw(first, problem);
            return;
        }
        for row in added.into_values() {
            let (id, slug) = (row.id, quoted(&row.slug));
            let text = format!("the topic {id} has no row; it is named after its slug {slug}");
            findings.notice(row.at, text);
            self.topics.push(row);
        }
    }
}

// === impl Row ===

impl Row {
    fn into_draft(self) -> Draft {
        let names = self.name.map(|name| (Language::ENGLISH, name));
        let sensitive = sensitive::is_sensitive(&self.slug, self.wikidata.as_deref());
        Draft {
            id: self.id,
            slug: self.slug,
            names: names.into_iter().collect(),
            parents: Vec::new(),
            wikidata: self.wikidata,
            phrases: Vec::new(),
            sensitive,
            description: None,
            at: self.at,
        }
    }
}

// === impl Odd ===

impl Odd {
    fn add(&mut self, at: Place) {
        self.count += 1;
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
    }

    fn tell(self, findings: &mut Findings, text: impl Fn(usize) -> String) {
        if let Some(first) = self.first {
            findings.notice(first, text(self.count));
        }
    }
}

fn topic(id: &str, at: Place, findings: &mut Findings) -> Option<TopicId> {
    let parsed = id.parse();
    if let Err(error) = &parsed {
        findings.flaw(at, format!("the id {}: {error}", quoted(id)));
    }
    parsed.ok()
}

fn name_of_slug(slug: &str) -> String {
    let words = slug.replace('-', " ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
