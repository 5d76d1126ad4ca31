//! What people write.

use crate::error::Error;

/// Characters of a text.
const CHARACTERS_MAX: usize = 4_000;

/// Bytes of what a caller makes up to be able to repeat a call.
const REQUEST_ID_BYTES_MAX: usize = 100;

/// Checks that there is something, and not too much.
pub(super) fn check(field: &'static str, text: &str) -> Result<(), Error> {
    let problem = match text.chars().count() {
        _ if text.trim().is_empty() => "is empty",
        count if count > CHARACTERS_MAX => "has more than 4,000 characters",
        // Postgres keeps none.
        _ if text.contains('\0') => "has a character that no text has",
        _ => return Ok(()),
    };
    Err(Error::FieldInvalid { field, problem })
}

/// The same of the id of a request.
pub(super) fn check_request_id(request_id: &str) -> Result<(), Error> {
    let problem = match request_id.len() {
        0 => "is missing",
        _ if request_id.len() > REQUEST_ID_BYTES_MAX => "has more than 100 bytes",
        _ if request_id.contains('\0') => "has a character that no text has",
        _ => return Ok(()),
    };
    Err(Error::FieldInvalid { field: "request_id", problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_something_and_not_too_much() {
        assert!(check("reason", &"ä".repeat(4_000)).is_ok());
        for wrong in ["", " \n", "a\0b", &"ä".repeat(4_001)] {
            assert!(check("reason", wrong).is_err());
        }
    }

    #[test]
    fn an_id_of_a_request_is_short() {
        assert!(check_request_id(&"a".repeat(100)).is_ok());
        for wrong in ["", "a\0b", &"a".repeat(101)] {
            assert!(check_request_id(wrong).is_err());
        }
    }
}
