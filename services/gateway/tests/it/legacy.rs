//! The old API, byte for byte where software of then depends on it. Traps are those that its clients have.

mod keys;
mod scripts;
mod town;
mod traps;
mod version_1;
mod version_2;
