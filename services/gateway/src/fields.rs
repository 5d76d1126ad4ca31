//! Partial answers: which fields of an answer somebody wants, as a `FieldMask` has them. No I/O.
//!
//! `?fields=score,consistency.maxStaleness` names fields by dots, in the names of the contract or of its JSON. Into a
//! list it leads to each element, which a `FieldMask` of an update may not do and a reader needs.

use std::collections::BTreeMap;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use crate::transcode::Unbindable;

/// The parameter of the query that has it.
pub(crate) const PARAMETER: &str = "fields";

/// Bytes of a mask. All fields of the largest answer together are shorter.
pub(crate) const BYTES_MAX: usize = 2048;

/// Fields that are answered, by their name in JSON; with nothing below, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(BTreeMap<String, Fields>);

// === impl Fields ===

impl Fields {
    /// Of what is answered by a message. An empty text is everything, as an empty mask is.
    pub(crate) fn parse(text: &str, answer: &MessageDescriptor) -> Result<Self, Unbindable> {
        let unbindable = |problem| Unbindable { field: PARAMETER.to_owned(), problem };
        if text.len() > BYTES_MAX {
            return Err(unbindable("is longer than 2048 bytes"));
        }
        let mut fields = Self::default();
        for path in text.split(',').filter(|_| !text.is_empty()) {
            let names = names(path, answer)
                .ok_or_else(|| unbindable("names something that is not a field of the answer"))?;
            fields.add(&names);
        }
        Ok(fields)
    }

    /// Leaves of `json` what is named.
    pub(crate) fn keep(&self, json: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        match json {
            Value::Object(object) => object.retain(|name, value| {
                let below = self.0.get(name);
                if let Some(below) = below {
                    below.keep(value);
                }
                below.is_some()
            }),
            Value::Array(elements) => elements.iter_mut().for_each(|it| self.keep(it)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Whoever names a field whole and a part of it gets it whole.
    fn add(&mut self, names: &[String]) {
        let Some((name, below)) = names.split_first() else {
            self.0.clear();
            return;
        };
        match self.0.get_mut(name) {
            Some(known) if known.0.is_empty() => {}
            Some(known) => known.add(below),
            None => self.0.entry(name.clone()).or_default().add(below),
        }
    }
}

/// The names in JSON of the fields on a path.
fn names(path: &str, answer: &MessageDescriptor) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut within = Some(answer.clone());
    for name in path.split('.') {
        let message = within?;
        let field =
            message.get_field_by_name(name).or_else(|| message.get_field_by_json_name(name))?;
        names.push(field.json_name().to_owned());
        within = below(&field);
    }
    Some(names)
}

/// The message into whose fields a path leads on. Maps have keys, and what protobuf's JSON writes as one word or as
/// anything at all has no fields.
fn below(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) if !field.is_map() => {
            (message.package_name() != "google.protobuf").then_some(message)
        }
        Kind::Message(_)
        | Kind::Double
        | Kind::Float
        | Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64
        | Kind::Bool
        | Kind::String
        | Kind::Bytes
        | Kind::Enum(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use klout_proto::json::DESCRIPTORS;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn message(name: &str) -> MessageDescriptor {
        let name = format!("klout.score.v1.{name}");
        DESCRIPTORS.get_message_by_name(&name).expect("a message")
    }

    fn kept(text: &str, of: &str, mut json: Value) -> Value {
        Fields::parse(text, &message(of)).expect("fields").keep(&mut json);
        json
    }

    #[test]
    fn what_is_named_is_kept_by_either_name_and_nothing_else() {
        let score = json!({"person": "42", "score": 61.5, "scoreTime": "2026-10-05T00:00:00Z"});
        for text in ["score,scoreTime", "score_time,score", "score,score,scoreTime"] {
            let expected = json!({"score": 61.5, "scoreTime": "2026-10-05T00:00:00Z"});
            assert_eq!(kept(text, "Score", score.clone()), expected, "{text}");
        }
        assert_eq!(kept("", "Score", score.clone()), score, "an empty mask is everything");
        assert_eq!(kept("percentile", "Score", score), json!({}), "what is absent stays absent");
    }

    #[test]
    fn a_path_leads_into_messages_and_into_each_element_of_a_list() {
        let page = json!({"scores": [{"person": "1", "score": 2.0}, {"person": "3"}], "nextPageToken": "t"});
        let kept = |text| kept(text, "ListScoresResponse", page.clone());
        assert_eq!(kept("scores.person"), json!({"scores": [{"person": "1"}, {"person": "3"}]}));
        assert_eq!(kept("scores.person,scores"), json!({"scores": page["scores"]}));
        assert_eq!(kept("scores,scores.person"), json!({"scores": page["scores"]}));
        assert_eq!(kept("next_page_token"), json!({"nextPageToken": "t"}));
    }

    #[test]
    fn what_is_no_field_is_refused() {
        let long = "score,".repeat(400);
        for text in [
            "nothing",
            "score.x",
            "scoreTime.seconds",
            ",",
            "score,",
            ".score",
            "score ",
            "*",
            &long,
        ] {
            let refused = Fields::parse(text, &message("Score")).expect_err(text);
            assert_eq!(refused.field, "fields");
        }
    }

    proptest! {
        #[test]
        fn no_mask_makes_it_panic_or_adds_anything(text in "[a-zA-Z_.,]{0,40}") {
            let json = json!({"scores": [{"person": "1"}], "nextPageToken": ""});
            if let Ok(fields) = Fields::parse(&text, &message("ListScoresResponse")) {
                let mut kept = json.clone();
                fields.keep(&mut kept);
                let object = kept.as_object().expect("an object");
                prop_assert!(object.iter().all(|(name, _)| json.get(name).is_some()));
            }
        }
    }
}
