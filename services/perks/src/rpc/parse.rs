//! What callers name.

use klout_model::PersonId;

use crate::error::Error;

/// The longest name of a request.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// Of what is named and is not there, so much is repeated.
const NAME_MAX: usize = 64;

/// A campaign, which may not be there.
pub(super) fn campaign(text: &str) -> Result<i64, Error> {
    if text.is_empty() {
        return Err(Error::field("campaign", "is missing"));
    }
    number(text).ok_or_else(|| Error::CampaignUnknown { campaign: beginning(text) })
}

/// A person, who may not be there.
pub(super) fn person(field: &'static str, text: &str) -> Result<PersonId, Error> {
    text.parse().map_err(|_| Error::field(field, "is not a decimal from 1 to 9223372036854775807"))
}

/// A version of a campaign; `None`: whichever is the newest.
pub(super) fn version(version: i32) -> Result<Option<i32>, Error> {
    if version < 0 {
        return Err(Error::field("version", "is negative"));
    }
    Ok(Some(version).filter(|version| *version > 0))
}

/// A name that is a decimal number of ours.
pub(super) fn number(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number > 0)
}

/// The beginning of what somebody named.
pub(super) fn beginning(text: &str) -> String {
    text.chars().take(NAME_MAX).collect()
}

/// What a request is called; `None`: nothing.
pub(super) fn request_id(text: &str) -> Result<Option<&str>, Error> {
    if text.len() > REQUEST_ID_BYTES_MAX || text.contains('\0') {
        return Err(Error::field("request_id", "is longer than 128 bytes, or holds a NUL"));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_would_print_is_a_number_of_ours() {
        assert_eq!(number("12"), Some(12));
        for wrong in ["", "0", "-1", "+1", "1 ", "a", "9223372036854775808"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
