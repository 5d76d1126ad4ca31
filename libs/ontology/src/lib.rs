//! Topics, how they are named and what they are part of.
//!
//! An [`Ontology`] is checked when it is made: ids and slugs are unique, every parent exists, and nobody is
//! their own ancestor. No I/O: files come in as bytes.

mod topic;

pub use crate::topic::{Language, LanguageInvalid, Phrase, PhraseKind, Topic};
