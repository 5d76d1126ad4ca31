//! What networks call things.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// What a network calls something: text, although some write it as a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub(crate) struct Id(String);

// === impl Id ===

impl Id {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id, as text or a whole number")
            }

            fn visit_str<E: de::Error>(self, id: &str) -> Result<Id, E> {
                // One segment of a path, and a part of an id of ours.
                let valid = (1..=128).contains(&id.len())
                    && !id.chars().any(|it| it.is_control() || it == '/')
                    && id != "."
                    && id != "..";
                match valid {
                    true => Ok(Id(id.to_owned())),
                    false => Err(E::invalid_value(de::Unexpected::Str(id), &self)),
                }
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<Id, E> {
                Ok(Id(id.to_string()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_an_id_as_its_text_is() {
        let read = |json: &str| serde_json::from_str::<Id>(json).ok().map(|it| it.0);
        assert_eq!(read("\"17\""), read("17"));
        assert_eq!(read("17").as_deref(), Some("17"));
        for nonsense in ["-1", "1.5", "\"\"", "\"..\"", "\"a/b\"", "\"a\\nb\"", "null", "[1]"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
