//! The bytes that a database keeps of an ontology, and that its checksum is over: lines of JSON, a header and
//! then a topic a line in order of id, packed with gzip.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
};

use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use klout_model::TopicId;
use serde::{Deserialize, Serialize};

use crate::{
    draft::Draft,
    flaw::{Findings, Place},
    topic::{Language, Phrase, PhraseKind, Topic},
};

/// Grows when lines change; older ones are read as long as a database can have them.
const FORMAT: u32 = 1;

/// Four times what the files of an ontology may have, as these lines are wordier.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    format: u32,
    pub(crate) ontology: String,
    pub(crate) edition: String,
}

/// A topic. Ids are strings, as everywhere outside.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    slug: String,
    names: BTreeMap<String, String>,
    parents: Vec<String>,
    wikidata: Option<String>,
    aliases: Vec<(Option<String>, String)>,
    keywords: Vec<(Option<String>, String)>,
    except: Vec<(Option<String>, String)>,
    sensitive: bool,
    description: Option<String>,
}

pub(crate) fn write(ontology: &str, edition: &str, topics: &[Topic]) -> Vec<u8> {
    let header =
        Header { format: FORMAT, ontology: ontology.to_owned(), edition: edition.to_owned() };
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    let mut put = |bytes: &[u8]| packed.write_all(bytes).expect("memory takes it");
    put(&line(&header));
    for topic in topics {
        put(&line(&Line::of(topic)));
    }
    packed.finish().expect("memory takes it")
}

pub(crate) fn checksum(topics: &[Topic]) -> String {
    let mut hasher = blake3::Hasher::new();
    for topic in topics {
        hasher.update(&line(&Line::of(topic)));
    }
    hasher.finalize().to_hex().to_string()
}

/// `None`: `findings` has a flaw.
pub(crate) fn parse(packed: &[u8], findings: &mut Findings) -> Option<(Header, Vec<Draft>)> {
    let at = findings.file("the kept ontology");
    let mut bytes = Vec::new();
    let unpacked = GzDecoder::new(packed).take(BYTES_MAX + 1).read_to_end(&mut bytes);
    if unpacked.is_err() || bytes.len() as u64 > BYTES_MAX {
        findings.flaw(at, "is no gzip, is cut off, or is too large");
        return None;
    }
    let mut lines = bytes.split(|&byte| byte == b'\n').zip(1_u64..);
    let (first, _) = lines.next()?;
    let header: Header = match serde_json::from_slice(first) {
        Ok(header) => header,
        Err(error) => {
            findings.flaw(at.line(1), format!("is no header: {error}"));
            return None;
        }
    };
    if header.format != FORMAT {
        findings.flaw(at.line(1), format!("has format {}, and {FORMAT} is known", header.format));
        return None;
    }
    let mut drafts = Vec::new();
    for (bytes, number) in lines.filter(|(bytes, _)| !bytes.is_empty()) {
        let at = at.line(number);
        let read = serde_json::from_slice(bytes).map_err(|error| error.to_string());
        match read.and_then(|line: Line| line.into_draft(at)) {
            Ok(draft) => drafts.push(draft),
            Err(problem) => findings.flaw(at, format!("is no topic: {problem}")),
        }
    }
    (!findings.any_flaw()).then_some((header, drafts))
}

fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("text and numbers can be written");
    line.push(b'\n');
    line
}

// === impl Line ===

impl Line {
    fn of(topic: &Topic) -> Self {
        let phrases = |kind| {
            let some = topic.phrases.iter().filter(move |phrase| phrase.kind == kind);
            some.map(|it| (it.language.map(|it| it.to_string()), it.text.clone())).collect()
        };
        Self {
            id: topic.id.to_string(),
            slug: topic.slug.clone(),
            names: topic.names.iter().map(|(it, name)| (it.to_string(), name.clone())).collect(),
            parents: topic.parents.iter().map(TopicId::to_string).collect(),
            wikidata: topic.wikidata.clone(),
            aliases: phrases(PhraseKind::Alias),
            keywords: phrases(PhraseKind::Keyword),
            except: phrases(PhraseKind::Except),
            sensitive: topic.sensitive,
            description: topic.description.clone(),
        }
    }

    fn into_draft(self, at: Place) -> Result<Draft, String> {
        let id = |text: &str| text.parse::<TopicId>().map_err(|error| error.to_string());
        let language = |text: &str| text.parse::<Language>().map_err(|error| error.to_string());
        let mut names = BTreeMap::new();
        for (code, name) in self.names {
            names.insert(language(&code)?, name);
        }
        let mut parents = Vec::new();
        for parent in &self.parents {
            parents.push(id(parent)?);
        }
        let mut phrases = Vec::new();
        for (kind, some) in [
            (PhraseKind::Alias, self.aliases),
            (PhraseKind::Keyword, self.keywords),
            (PhraseKind::Except, self.except),
        ] {
            for (code, text) in some {
                let language = code.as_deref().map(language).transpose()?;
                phrases.push(Phrase { language, text, kind });
            }
        }
        let topic = Topic {
            id: id(&self.id)?,
            slug: self.slug,
            names,
            parents,
            wikidata: self.wikidata,
            phrases,
            sensitive: self.sensitive,
            description: self.description,
        };
        Ok(Draft { at, ..Draft::from(topic) })
    }
}
