//! Scores a whole population at once. Pure.
//!
//! [`pass`] takes [`Evidence`], columns of numbers, and computes everybody's credibility, attention and
//! score in a fixed number of streaming passes over edges that are sorted by subject: no hash table, no
//! allocation for an edge, and sums of whole numbers, so that the same evidence gives the same bits in any
//! order and with any number of threads. What is computed is `klout-score-math` and docs/scoring.md.
//!
//! `klout rank` fills a [`Population`], which knows accounts by name, row by row, and asks for the
//! [`Ranked`] people. [`counted`] does the same by the first model.

pub mod counted;

mod census;
mod circles;
mod edges;
mod evidence;
pub mod packed;
mod pass;
mod population;
mod published;
mod ranking;
mod rings;
mod sorted_ids;

pub use crate::{
    census::{Account, Block, Census, Identity, Ignored, Scope, together},
    circles::Closed,
    evidence::{Evidence, PlusK, Unnamed},
    pass::{Burst, Epoch, Graph, Pass, pass},
    population::{AccountName, Population, Signal},
    published::Published,
    ranking::{Numbered, Ranked, rank},
    rings::Round,
};
