//! The rows of one XML file of a dump, one a line.

use klout_model::RowReason;

use super::row::attributes;
use crate::{Input, Position, ReadError, lines::Lines};

/// Lines before the root element: a declaration, and little else.
const HEAD_LINES_MAX: u64 = 16;

/// Reads the lines between the root element and its end.
pub(super) struct Rows {
    lines: Lines,
    root: String,
    /// The line that ends the file, such as `</posts>`.
    end: String,
    ended: bool,
}

/// A line that may be a row.
#[derive(Debug)]
pub(super) struct RowLine<'a> {
    pub(super) number: u64,
    /// As it stands there; of one that is too long, the beginning.
    pub(super) bytes: &'a [u8],
    pub(super) text: Result<&'a str, RowReason>,
}

// === impl Rows ===

impl Rows {
    /// Reads up to the root element.
    ///
    /// # Errors
    ///
    /// When there is none, or what comes before it is not ours to read.
    pub(super) fn new(input: Input) -> Result<Self, ReadError> {
        let mut lines = Lines::new(input)?;
        let name = lines.name().to_owned();
        let problem = |problem: &str| ReadError::Dump {
            name: name.clone(),
            problem: format!("{problem}; Stack Exchange's files begin with <users>, <posts> …"),
        };
        loop {
            let Some(line) = lines.next_line()? else { return Err(problem("is empty")) };
            if line.too_long || line.number > HEAD_LINES_MAX {
                return Err(problem("has no root element at its beginning"));
            }
            let encoding = |encoding: &str| ReadError::Encoding {
                name: name.clone(),
                encoding: encoding.to_owned(),
            };
            if line.bytes.contains(&0) {
                return Err(encoding("not UTF-8"));
            }
            let text = std::str::from_utf8(line.bytes).map_err(|_| encoding("not UTF-8"))?.trim();
            let text = match text.strip_prefix("<?xml").and_then(|it| it.split_once("?>")) {
                Some((declaration, rest)) => {
                    if let Some(other) = other_encoding(declaration) {
                        return Err(encoding(&other));
                    }
                    rest.trim()
                }
                None => text,
            };
            if text.is_empty() {
                continue;
            }
            if text.starts_with("<!") {
                let refused = "has a document type or a comment before its root element, which no \
                               dump has and which is not read";
                return Err(ReadError::Dump { name: name.clone(), problem: refused.to_owned() });
            }
            let (root, rest) = root_of(text).ok_or_else(|| problem("is not XML of rows"))?;
            let end = format!("</{root}>");
            let ended = rest == "/>" || rest.strip_prefix('>') == Some(&end);
            if !ended && rest != ">" {
                return Err(problem("has more on the line of its root element than that"));
            }
            let root = root.to_owned();
            return Ok(Self { lines, root, end, ended });
        }
    }

    /// The name of the root element.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    pub(super) fn name(&self) -> &str {
        self.lines.name()
    }

    pub(super) fn position(&self) -> Position {
        self.lines.position()
    }

    /// The next line that should be a row; `None` after the last.
    ///
    /// # Errors
    ///
    /// When the file cannot be read on, or ends before its root element does.
    pub(super) fn next_row(&mut self) -> Result<Option<RowLine<'_>>, ReadError> {
        if !self.find_row()? {
            return Ok(None);
        }
        let line = self.lines.current();
        let text = if line.too_long || self.ended {
            Err(RowReason::RowMalformed)
        } else {
            std::str::from_utf8(line.bytes.trim_ascii()).map_err(|_| RowReason::RowMalformed)
        };
        Ok(Some(RowLine { number: line.number, bytes: line.bytes, text }))
    }

    /// Reads up to the next line that should be a row. Returns whether there is one.
    fn find_row(&mut self) -> Result<bool, ReadError> {
        while let Some(line) = self.lines.next_line()? {
            let text = line.bytes.trim_ascii();
            if !self.ended && text == self.end.as_bytes() {
                self.ended = true;
            } else if !text.is_empty() {
                return Ok(true);
            }
        }
        if self.ended {
            return Ok(false);
        }
        let (name, line) = (self.name().to_owned(), self.lines.number());
        Err(ReadError::Cut { name, line, end: self.end.clone() })
    }
}

/// The encoding that a declaration names, unless it is ours.
fn other_encoding(declaration: &str) -> Option<String> {
    let row = format!("<row {}/>", declaration.trim());
    let [encoding] = attributes(&row, ["encoding"]).ok()?;
    let encoding = encoding?;
    let ours = ["utf-8", "utf8", "us-ascii"].iter().any(|it| encoding.eq_ignore_ascii_case(it));
    (!ours).then(|| encoding.into_owned())
}

/// The name of the root element that a line begins with, and what comes after the name.
fn root_of(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('<')?;
    let end = text.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (root, rest) = text.split_at(end);
    (!root.is_empty()).then_some((root, rest.trim()))
}
