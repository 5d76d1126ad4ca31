//! What docs/scoring.md promises of a score, sentence by sentence, of the engine.

mod odd;
mod town;
