//! Our own files: TOML that people write by hand, a `[[topic]]` table a topic.

use std::collections::BTreeMap;

use klout_model::TopicId;
use serde::Deserialize;
use toml::Spanned;

use crate::{
    draft::{Draft, Parent, ParentTopic, text_problem},
    flaw::{Findings, Place, quoted},
    topic::{Language, Phrase, PhraseKind},
};

/// A larger one is nothing that people wrote by hand; one has far less than 100 kB.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// What stands for texts of any language, as in ISO 639-2: multiple languages.
const ANY_LANGUAGE: &str = "mul";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Taxonomy {
    #[serde(default)]
    topic: Vec<Spanned<Table>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    id: Spanned<Id>,
    slug: Spanned<String>,
    #[serde(default)]
    parents: Vec<Spanned<String>>,
    names: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    aliases: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    keywords: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    except: Vec<Spanned<String>>,
    wikidata: Option<String>,
    #[serde(default)]
    sensitive: bool,
    description: Option<String>,
}

/// TOML has no whole numbers above 2⁶³, so such ids are strings.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Id {
    Number(i64),
    Text(String),
}

/// Finds the line of a byte.
struct Lines {
    file: Place,
    starts: Vec<usize>,
}

pub(crate) fn read(text: &str, file: Place, drafts: &mut Vec<Draft>, findings: &mut Findings) {
    if text.len() > BYTES_MAX {
        findings.flaw(file, format!("has more than {BYTES_MAX} bytes"));
        return;
    }
    let lines = Lines::new(text, file);
    let taxonomy: Taxonomy = match toml::from_str(text) {
        Ok(taxonomy) => taxonomy,
        Err(error) => {
            let at = error.span().map_or(file, |span| lines.at(span.start));
            findings.flaw(at, single_line(error.message()));
            return;
        }
    };
    for table in taxonomy.topic {
        drafts.extend(draft(table, &lines, findings));
    }
}

fn draft(table: Spanned<Table>, lines: &Lines, findings: &mut Findings) -> Option<Draft> {
    let table = table.into_inner();
    let at = lines.at(table.slug.span().start);
    let id_at = lines.at(table.id.span().start);
    let id = match table.id.into_inner() {
        Id::Number(id) => id.to_string(),
        Id::Text(id) => id,
    };
    let id: Option<TopicId> = match id.parse() {
        Ok(id) => Some(id),
        Err(error) => {
            findings.flaw(id_at, format!("the id {}: {error}", quoted(&id)));
            None
        }
    };
    let mut names = BTreeMap::new();
    for (code, name) in table.names {
        let at = lines.at(name.span().start);
        let name = text(name, lines, findings);
        match code.parse::<Language>() {
            Ok(language) => {
                names.extend(name.map(|name| (language, name)));
            }
            Err(error) => findings.flaw(at, format!("{}: {error}", quoted(&code))),
        }
    }
    let mut phrases = Vec::new();
    for (kind, some) in [(PhraseKind::Alias, table.aliases), (PhraseKind::Keyword, table.keywords)]
    {
        for (code, texts) in some {
            let language = (code != ANY_LANGUAGE).then(|| code.parse::<Language>()).transpose();
            let language = match language {
                Ok(language) => language,
                Err(error) => {
                    let at = texts.first().map_or(at, |it| lines.at(it.span().start));
                    let problem = format!("{}: {error}, or {ANY_LANGUAGE} for any", quoted(&code));
                    findings.flaw(at, problem);
                    continue;
                }
            };
            let texts = texts.into_iter().filter_map(|it| text(it, lines, findings));
            phrases.extend(texts.map(|text| Phrase { language, text, kind }));
        }
    }
    let except = table.except.into_iter().filter_map(|it| text(it, lines, findings));
    let kind = PhraseKind::Except;
    phrases.extend(except.map(|text| Phrase { language: None, text, kind }));
    let parent = |slug: Spanned<String>| {
        let at = lines.at(slug.span().start);
        Parent { topic: ParentTopic::Slug(slug.into_inner()), at }
    };
    Some(Draft {
        id: id?,
        slug: table.slug.into_inner(),
        names,
        parents: table.parents.into_iter().map(parent).collect(),
        wikidata: table.wikidata,
        phrases,
        sensitive: table.sensitive,
        description: table.description,
        at,
    })
}

fn text(text: Spanned<String>, lines: &Lines, findings: &mut Findings) -> Option<String> {
    let at = lines.at(text.span().start);
    let text = text.into_inner();
    match text_problem(&text) {
        None => Some(text.trim().to_owned()),
        Some(problem) => {
            findings.flaw(at, format!("{} {problem}", quoted(&text)));
            None
        }
    }
}

/// What a parser says, which may repeat parts of the file.
fn single_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.chars().filter(|it| !it.is_control()).take(300).collect()
}

// === impl Lines ===

impl Lines {
    fn new(text: &str, file: Place) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { file, starts: ends.map(|(at, _)| at + 1).collect() }
    }

    fn at(&self, byte: usize) -> Place {
        self.file.line(1 + self.starts.partition_point(|&start| start <= byte) as u64)
    }
}
