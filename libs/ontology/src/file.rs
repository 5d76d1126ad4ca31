//! The files of an ontology: which kind they are, and what is in them.

use std::io::Read as _;

use flate2::bufread::MultiGzDecoder;

use crate::{
    draft::Draft,
    flaw::{Findings, Place},
    klout::{Klout, KloutFile},
    taxonomy,
};

/// All files of an ontology together, unpacked: Klout's have 3.4 MB.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// A folder of more is not that of an ontology.
const FILES_MAX: usize = 1_000;

/// The first bytes of every gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A file, as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What messages call it.
    pub name: String,
    pub content: Vec<u8>,
}

/// What a file is, by its first line, and its text.
enum Kind {
    Taxonomy(String),
    Klout(KloutFile),
}

/// `None`: `findings` has a flaw.
pub(crate) fn read(mut files: Vec<File>, findings: &mut Findings) -> Option<Vec<Draft>> {
    if files.len() > FILES_MAX {
        let problem = format!("there are {} files, and may be {FILES_MAX}", files.len());
        findings.flaw(Place::default(), problem);
        return None;
    }
    files.sort_by(|a, b| (&a.name, &a.content).cmp(&(&b.name, &b.content)));
    let mut left = BYTES_MAX;
    let (mut taxonomy, mut klout) = (Vec::new(), Klout::default());
    let mut kinds = [false; 2];
    for File { name, content } in files {
        let at = findings.file(&name);
        let Some(content) = unpack(content, &mut left, at, findings) else { continue };
        match kind(&name, content, at, findings) {
            Some(Kind::Taxonomy(text)) => {
                kinds[0] = true;
                taxonomy::read(&text, at, &mut taxonomy, findings);
            }
            Some(Kind::Klout(file)) => {
                kinds[1] = true;
                klout.read(file, at, findings);
            }
            None => {}
        }
    }
    let drafts = match kinds {
        [true, true] => {
            let problem = "there are files of two kinds, TOML and CSV; give those of one ontology";
            findings.flaw(Place::default(), problem);
            return None;
        }
        [false, false] => {
            let problem = "there is no file of an ontology: neither TOML with [[topic]] nor CSV with topicId, \
                           topicSlug and topicDisplayName";
            findings.flaw(Place::default(), problem);
            return None;
        }
        [true, false] => taxonomy,
        [false, true] => klout.into_drafts(findings),
    };
    // What is missing because of a flaw would only make more of them.
    (!findings.any_flaw()).then_some(drafts)
}

fn unpack(
    content: Vec<u8>,
    left: &mut usize,
    at: Place,
    findings: &mut Findings,
) -> Option<Vec<u8>> {
    let mut bytes = content;
    if bytes.starts_with(&GZIP_MAGIC) {
        let mut unpacked = Vec::new();
        let limit = *left as u64 + 1;
        let read = MultiGzDecoder::new(bytes.as_slice()).take(limit).read_to_end(&mut unpacked);
        if read.is_err() {
            findings.flaw(at, "is no whole gzip file; is it cut off?");
            return None;
        }
        bytes = unpacked;
    }
    let Some(rest) = left.checked_sub(bytes.len()) else {
        let problem = format!("with it the files of the ontology have more than {BYTES_MAX} bytes");
        findings.flaw(at, problem);
        return None;
    };
    *left = rest;
    Some(bytes)
}

/// `None`: the file is none of an ontology's, and a finding says so.
fn kind(name: &str, content: Vec<u8>, at: Place, findings: &mut Findings) -> Option<Kind> {
    let named_toml = name.ends_with(".toml") || name.ends_with(".toml.gz");
    match KloutFile::new(content) {
        Ok(file) => Some(Kind::Klout(file)),
        Err(content) => match String::from_utf8(content) {
            Ok(text) if named_toml || text.lines().any(|line| line.trim() == "[[topic]]") => {
                Some(Kind::Taxonomy(text))
            }
            Err(_) if named_toml => {
                findings.flaw(at, "is not UTF-8");
                None
            }
            Ok(_) | Err(_) => {
                findings
                    .notice(at, "is no file of an ontology by its first line, and was left out");
                None
            }
        },
    }
}
