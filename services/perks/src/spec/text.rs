//! Texts of a spec.

use crate::error::Error;

/// What a line for the desk may leave to be filled in.
const PLACEHOLDERS: [&str; 3] = ["title", "category", "name"];

/// A text that is there and fits one line.
pub(super) fn required(field: &'static str, text: &str, max: usize) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Err(Error::field(field, "is missing"));
    }
    optional(field, text, max)
}

/// A text that may be empty, of one line.
pub(super) fn optional(field: &'static str, text: &str, max: usize) -> Result<(), Error> {
    if text.chars().count() > max {
        return Err(Error::field(field, format!("has more than {max} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::field(field, "has a control character"));
    }
    Ok(())
}

/// What the desk says: its braces name what is filled in.
pub(super) fn line(field: &'static str, text: &str) -> Result<(), Error> {
    let unknown = || {
        let problem = "has braces that are not {title}, {category} or {name}";
        Error::field(field, problem)
    };
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let inside = rest[at..].strip_prefix('{').ok_or_else(unknown)?;
        let (name, after) = inside.split_once('}').ok_or_else(unknown)?;
        if !PLACEHOLDERS.contains(&name) {
            return Err(unknown());
        }
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_leaves_to_be_filled_in_what_there_is() {
        for right in ["", "Welcome.", "{name}: {title}, {category}{category}"] {
            assert!(line("line", right).is_ok(), "{right}");
        }
        for wrong in ["{guest}", "{", "}", "{title", "{ title }", "{{title}}", "title}"] {
            assert!(line("line", wrong).is_err(), "{wrong}");
        }
    }
}
