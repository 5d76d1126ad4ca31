//! Text of others.

/// The beginning of a text, at most this many bytes of it.
pub(crate) fn clip(mut text: String, length_max: usize) -> String {
    text.truncate(text.floor_char_boundary(length_max));
    text
}
