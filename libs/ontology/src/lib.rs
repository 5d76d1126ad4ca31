//! Topics, how they are named and what they are part of.
//!
//! An [`Ontology`] is checked when it is made: ids and slugs are unique, every parent exists, and nobody is
//! their own ancestor. No I/O: files come in as bytes. docs/ontology.md tells what the files look like.

mod canonical;
mod check;
mod draft;
mod file;
mod flaw;
mod fold;
mod graph;
mod klout;
mod moves;
mod ontology;
mod search;
mod sensitive;
mod shipped;
mod taxonomy;
mod topic;

pub use crate::{
    file::File,
    flaw::{Flaw, Notice},
    fold::fold,
    moves::{Move, MovedBy},
    ontology::Ontology,
    topic::{Language, LanguageInvalid, Phrase, PhraseKind, Topic},
};
