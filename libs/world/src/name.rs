//! Names: of people, accounts, posts and signals. They look like those of the networks, and none can
//! be anybody's: hosts end in `.example`, which is reserved (RFC 2606), and GitHub allows no login
//! with two hyphens in a row.

use klout_model::{Day, NativeId};

use crate::{
    draw::{Purpose, hash, mix},
    event::PostKey,
};

/// Networks of the world, in the order in which their accounts are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Bluesky,
    Mastodon,
    Github,
}

/// A given and a family name, in lower case. No two people share both.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    given: String,
    family: String,
}

const GIVEN_STARTS: [&str; 30] = [
    "ma", "li", "jo", "ta", "ne", "sa", "ro", "e", "a", "ka", "be", "do", "fe", "ha", "i", "lu",
    "mi", "no", "o", "de", "ra", "si", "te", "u", "va", "we", "yo", "za", "ai", "co",
];
const GIVEN_MIDDLES: [&str; 12] = ["r", "l", "n", "v", "m", "rr", "ll", "th", "d", "st", "lm", "b"];
const GIVEN_ENDS: [&str; 12] =
    ["a", "o", "e", "ia", "en", "el", "an", "in", "ah", "ey", "io", "une"];
const FAMILY_STARTS: [&str; 32] = [
    "quill", "fen", "marl", "oak", "thorn", "bram", "wick", "holl", "gren", "stell", "vorn",
    "kestr", "lind", "pell", "tarr", "osk", "hald", "brin", "cald", "mirr", "sund", "dray", "ell",
    "farr", "gald", "ives", "jarr", "lorr", "nett", "roth", "tamm", "yarr",
];
const FAMILY_ENDS: [&str; 20] = [
    "er", "wood", "ley", "ow", "by", "ham", "man", "ski", "strom", "ova", "ez", "ini", "aki",
    "sen", "dottir", "ides", "wright", "field", "mere", "ane",
];
const NAMES: u64 = 30 * 12 * 12 * 32 * 20;

const HOSTS: [&str; 12] = [
    "harbour", "tiles", "paper", "tinkers", "kelp", "lantern", "orchard", "quarry", "sparrow",
    "tundra", "velvet", "workshop",
];

/// As in Bluesky's ids of posts and accounts.
const BASE32: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

// === impl Place ===

impl Place {
    pub(crate) const ALL: [Self; 3] = [Self::Bluesky, Self::Mastodon, Self::Github];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bluesky => "bluesky",
            Self::Mastodon => "mastodon",
            Self::Github => "github",
        }
    }

    /// The native id and the handle of an account. `number` is its own alone on this network.
    pub(crate) fn account(self, seed: u64, number: u32, name: &Name) -> (NativeId, String) {
        let scattered = hash(seed, Purpose::NativeId, &[self as u64, u64::from(number)]);
        let Name { given, family } = name;
        let (native_id, handle) = match self {
            Self::Bluesky => {
                // 13 letters of 5 bits hold a word, so these differ; 11 more make it as long as real ones.
                let id = format!("{}{}", base32(scattered, 13), base32(mix(scattered), 11));
                (format!("did:plc:{id}"), format!("{given}.{family}.example"))
            }
            Self::Mastodon => {
                let host = HOSTS[usize::try_from(scattered % 12).expect("below 12")];
                let user = format!("{given}_{family}");
                (format!("https://{host}.example/users/{user}"), format!("{user}@{host}.example"))
            }
            Self::Github => {
                let login = format!("{given}--{family}");
                (format!("login/{login}"), login)
            }
        };
        (native_id.parse().expect("short and without control characters"), handle)
    }

    /// What this network would call a post: no two posts of one account share it.
    pub(crate) fn post(self, first_day: Day, post: PostKey) -> String {
        let days =
            u64::try_from(first_day.number()).expect("not before 1970") + u64::from(post.day);
        let millisecond = days * 86_400_000 + u64::from(post.at);
        let ordinal = u64::from(post.ordinal);
        match self {
            // Microseconds and ten bits that tell posts of one moment apart, as in a TID.
            Self::Bluesky => base32((millisecond * 1_000) << 10 | ordinal, 13),
            // Milliseconds and 16 bits, as in a snowflake.
            Self::Mastodon => (millisecond << 16 | ordinal).to_string(),
            Self::Github => {
                format!("discussions/{}", millisecond % 100_000_000_000 * 1_024 + ordinal)
            }
        }
    }
}

// === impl Name ===

impl Name {
    /// The name of the one with this number. Numbers walk through all combinations in steps that are
    /// coprime to their number, so none comes twice before all came; then they get an ordinal.
    pub(crate) fn new(seed: u64, number: u32) -> Self {
        const STEP: u64 = 1_000_003;
        let start = hash(seed, Purpose::Name, &[]) % NAMES;
        let mut rest = (start + u64::from(number) * STEP) % NAMES;
        let mut part = |parts: &[&'static str]| {
            let count = parts.len() as u64;
            let place = usize::try_from(rest % count).expect("below the number of parts");
            rest /= count;
            parts[place]
        };
        let given = [part(&GIVEN_STARTS), part(&GIVEN_MIDDLES), part(&GIVEN_ENDS)].concat();
        let mut family = [part(&FAMILY_STARTS), part(&FAMILY_ENDS)].concat();
        let round = u64::from(number) / NAMES;
        if round > 0 {
            family.push_str(&(round + 1).to_string());
        }
        Self { given, family }
    }

    /// As people write it: `Mara Quiller`.
    pub(crate) fn display(&self) -> String {
        format!("{} {}", capitalised(&self.given), capitalised(&self.family))
    }
}

/// The name of a signal. `number` is its own alone in this world.
pub(crate) fn signal(seed: u64, number: u64) -> String {
    base32(hash(seed, Purpose::SignalId, &[number]), 13)
}

/// The lower 5 × `letters` bits of `word`, so that 13 letters hold all of it.
fn base32(word: u64, letters: u32) -> String {
    (0..letters)
        .rev()
        .map(|letter| {
            let place = usize::try_from(word >> (5 * letter) & 31).expect("below 32");
            char::from(BASE32[place])
        })
        .collect()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_combinations_read_the_same() {
        let mut given = HashSet::new();
        for start in GIVEN_STARTS {
            for middle in GIVEN_MIDDLES {
                given.extend(GIVEN_ENDS.map(|end| [start, middle, end].concat()));
            }
        }
        let mut family = HashSet::new();
        for start in FAMILY_STARTS {
            family.extend(FAMILY_ENDS.map(|end| [start, end].concat()));
        }
        assert_eq!((given.len() * family.len()) as u64, NAMES);
    }

    #[test]
    fn names_come_once_and_then_with_an_ordinal() {
        let name = |number| Name::new(7, u32::try_from(number).expect("few")).display();
        let names: HashSet<String> = (0..100_000).map(name).collect();
        assert_eq!(names.len(), 100_000);
        assert_eq!(name(NAMES), name(0) + "2");
    }
}
