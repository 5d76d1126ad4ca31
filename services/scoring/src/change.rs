//! What one replica tells all others about scores: by `NOTIFY`, so in the order of commits.

use serde::{Deserialize, Serialize};

/// People named in one message, which may have 8,000 bytes.
const PEOPLE_MAX: usize = 350;

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    /// These people were scored again.
    People(Vec<i64>),
    /// Percentiles were published: the new standing.
    Standing(i64),
    /// Redis may be behind: the new generation of its keys.
    Generation(i64),
    /// States of people changed, who were named before: the number of the change.
    Masking(i64),
}

// === impl Change ===

impl Change {
    /// The messages that say that these people were scored again.
    pub(crate) fn of_people(people: impl Iterator<Item = i64>) -> Vec<String> {
        let people: Vec<i64> = people.collect();
        people.chunks(PEOPLE_MAX).map(|people| Self::People(people.to_vec()).message()).collect()
    }

    pub(crate) fn message(&self) -> String {
        serde_json::to_string(self).expect("numbers can be written")
    }

    /// `None`: of a version that knows more than this one.
    pub(crate) fn read(message: &str) -> Option<Self> {
        serde_json::from_str(message).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_told_of_in_messages_that_postgres_takes() {
        let people: Vec<i64> = (0..1_024).map(|number| i64::MAX - number).collect();
        let messages = Change::of_people(people.iter().copied());
        assert!(messages.iter().all(|message| message.len() < 8_000));
        let told: Vec<i64> = messages
            .iter()
            .flat_map(|message| match Change::read(message) {
                Some(Change::People(people)) => people,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, people);
    }

    #[test]
    fn what_a_later_version_says_is_told_apart() {
        assert_eq!(Change::read(r#"{"weather":1}"#), None);
        let standing = Change::Standing(7);
        assert_eq!(Change::read(&standing.message()), Some(standing));
    }
}
