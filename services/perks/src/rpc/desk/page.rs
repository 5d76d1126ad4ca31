//! Pages of lists that are in the order of a text.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use klout_chassis::{PageMalformed, page};

/// How many rows to list: 0 means 100, and more than 1,000 means that.
pub(super) fn size(asked: i32) -> Result<usize, PageMalformed> {
    page::size(asked, 100, 1_000)
}

/// The text that the page before ended with; empty: this is the first one.
pub(super) fn after(token: &str) -> Result<String, PageMalformed> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.filter(|text| !text.contains('\0'));
    text.ok_or_else(page::not_ours)
}

/// The token for what comes after a text.
pub(super) fn token(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_survives_being_a_token_and_nothing_else_does() {
        for text in ["", "palms", "Zimmer 7/ä"] {
            assert_eq!(after(&token(text)).expect("ours"), text);
        }
        for other in ["*", "AA", "_w"] {
            assert!(after(other).is_err(), "{other}");
        }
    }
}
