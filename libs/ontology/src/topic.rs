//! One topic, as an ontology's files tell of it.

use std::{collections::BTreeMap, fmt, str::FromStr};

use klout_model::TopicId;

/// A language, as BCP 47 and ISO 639 write it: two or three lower-case letters, such as `en`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language([u8; 3]);

/// The text is not two or three lower-case letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a language is two or three lower-case letters, such as en")]
pub struct LanguageInvalid;

/// Something that posts can be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub id: TopicId,
    /// What addresses are made of: lower-case letters, digits, signs and hyphens, unique.
    pub slug: String,
    /// What it is called, by language; English always.
    pub names: BTreeMap<Language, String>,
    /// What it is part of; none: it is at the top.
    pub parents: Vec<TopicId>,
    /// Its item in Wikidata, such as `Q11633`, where that is sure.
    pub wikidata: Option<String>,
    /// What tells it in a text besides its names.
    pub phrases: Vec<Phrase>,
    /// Whether to say that somebody has to do with it tells of their health, religion, sex life, politics or ethnic
    /// origin: then nobody is said to unless they declared it. Counts for its descendants too,
    /// but for those of which a file says that they are not.
    pub sensitive: bool,
    /// A sentence that says what belongs to it.
    pub description: Option<String>,
}

/// Words that tell a topic in a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Phrase {
    /// `None`: in texts of any language.
    pub language: Option<Language>,
    pub text: String,
    pub kind: PhraseKind,
}

/// What words say of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhraseKind {
    /// Another name.
    Alias,
    /// It is talked of near the topic, and does not tell it alone.
    Keyword,
    /// It has a name of the topic in it and is something else, as a lamb's quarters is not a lamb.
    Except,
}

// === impl Topic ===

impl Topic {
    #[must_use]
    pub fn english_name(&self) -> &str {
        self.names.get(&Language::ENGLISH).map_or("", String::as_str)
    }
}

// === impl Language ===

impl Language {
    pub const ENGLISH: Self = Self(*b"en\0");

    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = if self.0[2] == 0 { 2 } else { 3 };
        str::from_utf8(&self.0[..length]).expect("letters")
    }
}

impl FromStr for Language {
    type Err = LanguageInvalid;

    fn from_str(text: &str) -> Result<Self, LanguageInvalid> {
        let letters = text.as_bytes();
        let valid = matches!(letters.len(), 2 | 3) && letters.iter().all(u8::is_ascii_lowercase);
        if !valid {
            return Err(LanguageInvalid);
        }
        let mut language = [0; 3];
        language[..letters.len()].copy_from_slice(letters);
        Ok(Self(language))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
