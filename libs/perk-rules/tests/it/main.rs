//! What rules say about people.

mod properties;
mod refused;
mod said;
