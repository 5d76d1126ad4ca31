//! Codes of our own making.

use rand::seq::IndexedRandom as _;

/// Digits and letters that are not taken for one another: 32 of them, 5 bits each.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// 100 bits: nobody guesses one.
const LENGTH: usize = 20;

/// Letters between hyphens, as people read them out.
const PART: usize = 5;

/// A code that nobody else has and nobody guesses, such as `7KQ2M-…`.
pub(super) fn random() -> String {
    let mut random = rand::rng();
    let letters = (0..LENGTH).map(|_| {
        let letter = LETTERS.choose(&mut random).expect("there are some");
        char::from(*letter)
    });
    let letters: Vec<char> = letters.collect();
    let parts: Vec<String> = letters.chunks(PART).map(|part| part.iter().collect()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_code_can_be_read_out_and_is_not_made_twice() {
        let codes: BTreeSet<String> = (0..1_000).map(|_| random()).collect();
        assert_eq!(codes.len(), 1_000);
        for code in codes {
            let parts: Vec<&str> = code.split('-').collect();
            assert_eq!(parts.iter().map(|it| it.len()).collect::<Vec<_>>(), [PART; 4], "{code}");
            assert!(parts.concat().bytes().all(|it| LETTERS.contains(&it)), "{code}");
        }
    }
}
