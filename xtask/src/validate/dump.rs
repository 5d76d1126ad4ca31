//! A site's dump of Stack Exchange, as it stands in its files.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, Read as _},
    path::Path,
};

use anyhow::{Context as _, Result};
use flate2::read::MultiGzDecoder;
use quick_xml::{Reader, XmlVersion, events::Event};

/// The attributes of a row of a dump.
pub(super) type Row = HashMap<String, String>;

pub(super) fn value<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).map(String::as_str).unwrap_or_default()
}

/// The rows of a file of a dump, plain or gzip.
pub(super) fn rows(folder: &Path, name: &str) -> Result<Vec<Row>> {
    let plain = folder.join(format!("{name}.xml"));
    let packed = folder.join(format!("{name}.xml.gz"));
    let mut text = String::new();
    if plain.exists() {
        File::open(&plain)?.read_to_string(&mut text)?;
    } else {
        let file = File::open(&packed).with_context(|| packed.display().to_string())?;
        MultiGzDecoder::new(BufReader::new(file)).read_to_string(&mut text)?;
    }
    let mut reader = Reader::from_str(&text);
    let mut rows = Vec::new();
    loop {
        let event = reader.read_event().with_context(|| name.to_owned())?;
        if let Event::Empty(row) = &event {
            let mut values = Row::new();
            for attribute in row.attributes() {
                let attribute = attribute?;
                let value = attribute.normalized_value(XmlVersion::Explicit1_0)?;
                values.insert(attribute.key.as_ref().to_owned(), value.into_owned());
            }
            rows.push(values);
        }
        if matches!(event, Event::Eof) {
            return Ok(rows);
        }
    }
}

/// The tags of a question.
pub(super) fn tags_of(question: &Row) -> impl Iterator<Item = &str> {
    value(question, "Tags").split(['<', '>', '|']).filter(|it| !it.is_empty())
}

/// What a tag is called in addresses.
pub(super) fn slug(tag: &str) -> String {
    tag.replace('#', "-sharp").replace('+', "-plus")
}

/// As a tag reads.
pub(super) fn named(tag: &str) -> String {
    tag.replace('-', " ")
}
