//! Text in files that programs for sheets open.

use std::borrow::Cow;

/// With what they begin a formula.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// A text that is taken for text: people choose what they are called, and a formula would run at the desk of whoever
/// opens the file. Such a text is led by `'`; all others stay as they are.
#[must_use]
pub fn sheet_cell(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA) { format!("'{text}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_begins_no_formula() {
        for text in ["=1+1", "+49", "-1", "@SUM(A1)", "\tx", "\r=x", "＝1"] {
            assert_eq!(sheet_cell(text), format!("'{text}"));
        }
        for text in ["", "Ann", "'x", "a=b", "1"] {
            assert_eq!(sheet_cell(text), text);
        }
    }
}
