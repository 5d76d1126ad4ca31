//! What people are reached by: checked, written one way, hashed. Pure.
//!
//! Whoever keeps contacts and whoever reads them from files have to write them the same way, or nobody would be found.

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat};
use sha2::{Digest as _, Sha256};

/// In bytes, of each part of a loyalty number.
const LOYALTY_LENGTH_MAX: usize = 64;

/// In bytes, of anything: longer than an e-mail address may be.
const CONTACT_LENGTH_MAX: usize = 320;

/// An e-mail address: trimmed and in lower case.
///
/// # Errors
///
/// When it is none.
pub fn email(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.len() <= CONTACT_LENGTH_MAX && email_address::EmailAddress::is_valid(text) {
        Ok(text.to_lowercase())
    } else {
        Err("is no e-mail address")
    }
}

/// A phone number: as E.164 has it, with `+`.
///
/// # Errors
///
/// When it is none, or does not say its country.
pub fn phone(text: &str) -> Result<String, &'static str> {
    let problem = "is no phone number with its country code, such as +49 30 123456";
    if text.len() > CONTACT_LENGTH_MAX {
        return Err(problem);
    }
    let number = PhoneNumber::parse(text.trim(), None).map_err(|_| problem)?;
    if !number.is_valid() {
        return Err(problem);
    }
    Ok(number.format_as(PhoneNumberFormat::E164).into_owned())
}

/// A loyalty number, as `PROGRAM:NUMBER`: the programme in lower case, the number without spaces and in upper case.
///
/// # Errors
///
/// When it cannot be one.
pub fn loyalty_number(program: &str, number: &str) -> Result<String, &'static str> {
    let program = program.trim().to_lowercase();
    let number: String = number.split_whitespace().collect::<String>().to_uppercase();
    let possible = |text: &str| {
        (1..=LOYALTY_LENGTH_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
    };
    if possible(&program) && possible(&number) && !program.contains(':') {
        Ok(format!("{program}:{number}"))
    } else {
        Err("is no number of a programme, of at most 64 bytes each")
    }
}

/// The SHA-256 of a contact that was written one way: what callers may send instead of it.
#[must_use]
pub fn hash(contact: &str) -> [u8; 32] {
    Sha256::digest(contact.as_bytes()).into()
}

/// Such a hash that somebody else made, from 64 hexadecimal digits.
///
/// # Errors
///
/// When it is none.
pub fn parse_hash(text: &str) -> Result<[u8; 32], &'static str> {
    let problem = "is not the SHA-256 of a contact as 64 hexadecimal digits";
    let mut hash = [0; 32];
    let text = text.trim().as_bytes();
    if text.len() != 2 * hash.len() {
        return Err(problem);
    }
    for (byte, digits) in hash.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
        *byte = match (digit(digits[0]), digit(digits[1])) {
            (Some(high), Some(low)) => 16 * high + low,
            _ => return Err(problem),
        };
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_written_one_way() {
        assert_eq!(email(" Ann@Example.ORG "), Ok("ann@example.org".to_owned()));
        for bad in ["ann", "ann@", "@example.org", "a b@example.org", &"x".repeat(400)] {
            assert!(email(bad).is_err(), "{bad}");
        }
        for same in ["+49 30 1234567", "+49 (30) 123-4567", " +49301234567"] {
            assert_eq!(phone(same), Ok("+49301234567".to_owned()), "{same}");
        }
        for bad in ["", "030 1234567", "+49", "call me", "+999 1", &"9".repeat(400)] {
            assert!(phone(bad).is_err(), "{bad}");
        }
        assert_eq!(loyalty_number(" Miles ", "ab 12 3"), Ok("miles:AB123".to_owned()));
        assert!(loyalty_number("a:b", "1").is_err() && loyalty_number("miles", " ").is_err());
    }

    #[test]
    fn a_hash_that_a_caller_makes_means_the_same_contact() {
        let hex: String =
            hash("ann@example.org").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(parse_hash(&hex), Ok(hash("ann@example.org")));
        assert_eq!(parse_hash(&hex.to_uppercase()), Ok(hash("ann@example.org")));
        for bad in ["", "zz", &"g".repeat(64), &"a".repeat(63), &"ä".repeat(32)] {
            assert!(parse_hash(bad).is_err(), "{bad}");
        }
    }
}
