//! What docs/scoring.md promises of a score, sentence by sentence, of the engine.

mod alone;
mod attacks;
mod explained;
mod odd;
mod others;
mod rings;
mod sameness;
mod some;
mod town;
