//! Scores a whole population at once, from signals in memory. Pure.
//!
//! `klout rank` fills a [`Population`] row by row and asks for the [`Ranked`] accounts. The same
//! signals give the same bits in any order, repeated with the same ids, split in any way, and with any
//! number of threads: accounts are interned, cells hold whole counts, and `klout-score-math` adds in
//! an order of its own.

mod population;
mod ranking;

pub use crate::{
    population::{AccountName, Population, Signal},
    ranking::{Ranked, rank},
};
