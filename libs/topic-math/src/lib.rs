//! From words to topics, and from topics to people. Pure: no I/O, no clock, no randomness.

pub mod content;
pub mod expertise;
pub mod related;
pub mod standing;
pub mod suggest;
#[cfg(test)]
mod testing;
pub mod words;
