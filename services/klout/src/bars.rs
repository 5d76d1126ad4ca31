//! Bars and what stands beside them: how much room there is, and what fits into it. Pure but for the width.

use std::iter::repeat_n;

/// Where stdout is no terminal, in columns.
const WIDTH: usize = 80;

/// A shorter bar tells nothing.
pub(crate) const BAR_MIN: usize = 8;

/// A longer one tells no more.
pub(crate) const BAR_MAX: usize = 40;

/// Of 32 digits of a post's hash, so many tell it from others.
const HASH_DIGITS: usize = 12;

/// How many columns the terminal has.
pub(crate) fn width() -> usize {
    console::Term::stdout().size_checked().map_or(WIDTH, |size| size.1.into())
}

/// A part of a bar that is so long, to the nearest eighth of a column.
pub(crate) fn bar(part: f64, length: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    #[expect(clippy::cast_precision_loss, reason = "columns are few")]
    let eighths = (part.clamp(0.0, 1.0) * 8.0 * length as f64).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "is clamped")]
    let eighths = eighths as usize;
    let bar: String = repeat_n('█', eighths / 8).chain([EIGHTHS[eighths % 8]]).collect();
    bar.trim_end().to_owned()
}

/// A post: of its hash only the beginning.
pub(crate) fn post(network: &str, hash: &str) -> String {
    format!("{network}:{}", shortened(hash, HASH_DIGITS + 1))
}

/// At most so many characters; that some are missing is seen.
pub(crate) fn shortened(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_never_longer_than_its_room() {
        assert_eq!(bar(1.0, 10), "█".repeat(10));
        assert_eq!(bar(7.0, 10), "█".repeat(10));
        assert_eq!((bar(0.0, 10), bar(-1.0, 10), bar(0.001, 10)), Default::default());
        assert_eq!(bar(0.5, 9), "████▌");
    }

    #[test]
    fn a_post_has_the_beginning_of_its_hash() {
        assert_eq!(post("bluesky", "0123456789abcdef"), "bluesky:0123456789ab…");
        assert_eq!(post("bluesky", "0123"), "bluesky:0123");
    }
}
