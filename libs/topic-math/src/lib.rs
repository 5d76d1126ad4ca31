//! From words to topics, and from topics to people. Pure: no I/O, no clock, no randomness.

pub mod expertise;
pub mod related;
pub mod standing;
pub mod words;
