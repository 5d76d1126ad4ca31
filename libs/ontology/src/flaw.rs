//! What is wrong with an ontology, and where.

use std::fmt;

/// How many flaws are told at once: enough to see what kind of mistake it is.
const FLAWS_MAX: usize = 20;

/// How many notices are told.
const NOTICES_MAX: usize = 100;

/// How much of somebody else's text a message repeats, in characters.
const QUOTED_CHARS_MAX: usize = 80;

/// Why an ontology is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// The name of the file. Empty: the topics were not read from a file.
    pub file: String,
    /// From 1. 0: the problem is in no line, such as one of the file as a whole.
    pub line: u64,
    pub problem: String,
}

/// Something odd in an ontology that can be used all the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// The name of the file.
    pub file: String,
    /// From 1. 0: it is in no line.
    pub line: u64,
    /// What is odd and what was done about it.
    pub text: String,
}

/// Where something was read. The default is nowhere: topics that somebody made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// From 1, in the order in which the files were given.
    pub(crate) file: usize,
    pub(crate) line: u64,
}

/// Collects flaws and notices while files are read and checked.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    files: Vec<String>,
    flaws: Vec<Flaw>,
    notices: Vec<Notice>,
    any: bool,
}

// === impl Flaw ===

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_at(f, &self.file, self.line, &self.problem)
    }
}

impl std::error::Error for Flaw {}

// === impl Notice ===

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_at(f, &self.file, self.line, &self.text)
    }
}

// === impl Findings ===

impl Findings {
    /// The place of the whole file of this name.
    pub(crate) fn file(&mut self, name: &str) -> Place {
        self.files.push(name.chars().take(2 * QUOTED_CHARS_MAX).collect());
        Place { file: self.files.len(), line: 0 }
    }

    pub(crate) fn flaw(&mut self, at: Place, problem: impl Into<String>) {
        self.any = true;
        if self.flaws.len() < FLAWS_MAX {
            let file = self.name(at).to_owned();
            self.flaws.push(Flaw { file, line: at.line, problem: problem.into() });
        }
    }

    pub(crate) fn notice(&mut self, at: Place, text: impl Into<String>) {
        if self.notices.len() < NOTICES_MAX {
            let file = self.name(at).to_owned();
            self.notices.push(Notice { file, line: at.line, text: text.into() });
        }
    }

    pub(crate) fn any_flaw(&self) -> bool {
        self.any
    }

    /// A place, as a message about another place names it.
    pub(crate) fn at(&self, at: Place) -> String {
        match (self.name(at), at.line) {
            ("", _) => "another topic".to_owned(),
            (file, 0) => file.to_owned(),
            (file, line) => format!("{file}:{line}"),
        }
    }

    pub(crate) fn into_flaws(self) -> Vec<Flaw> {
        self.flaws
    }

    pub(crate) fn into_notices(self) -> Vec<Notice> {
        self.notices
    }

    fn name(&self, at: Place) -> &str {
        let index = at.file.checked_sub(1);
        index.and_then(|index| self.files.get(index)).map_or("", String::as_str)
    }
}

// === impl Place ===

impl Place {
    pub(crate) fn line(self, line: u64) -> Self {
        Self { line, ..self }
    }
}

/// Text that may be anything, in quotes and not too long.
pub(crate) fn quoted(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(QUOTED_CHARS_MAX).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("{start:?}{more}")
}

fn write_at(f: &mut fmt::Formatter<'_>, file: &str, line: u64, text: &str) -> fmt::Result {
    match (file, line) {
        ("", _) => f.write_str(text),
        (file, 0) => write!(f, "{file}: {text}"),
        (file, line) => write!(f, "{file}:{line}: {text}"),
    }
}
