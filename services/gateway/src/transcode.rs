//! Between REST and the messages of an RPC, by their descriptors. No I/O.

use klout_proto::json;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};

/// A part of a request that is not a field, or cannot be its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {problem}")]
pub(crate) struct Unbindable {
    pub(crate) field: String,
    pub(crate) problem: &'static str,
}

/// Sets a field from text, such as `account.network`. Names may be those of the contract or of its
/// JSON.
pub(crate) fn set(message: &mut DynamicMessage, path: &str, text: &str) -> Result<(), Unbindable> {
    let unbindable = |problem| Unbindable { field: path.to_owned(), problem };
    let (name, inner) =
        path.split_once('.').map_or((path, None), |(name, inner)| (name, Some(inner)));
    let descriptor = message.descriptor();
    let field = descriptor
        .get_field_by_name(name)
        .or_else(|| descriptor.get_field_by_json_name(name))
        .ok_or_else(|| unbindable("is not a field of the request"))?;
    match inner {
        Some(inner) => {
            let value = (!field.is_list()).then(|| message.get_field_mut(&field).as_message_mut());
            let nested =
                value.flatten().ok_or_else(|| unbindable("is not a field of the request"))?;
            set(nested, inner, text).map_err(|error| unbindable(error.problem))
        }
        None => {
            let value = scalar(&field, text).map_err(unbindable)?;
            message.set_field(&field, value);
            Ok(())
        }
    }
}

/// The resource of a response: one field of it, or all.
pub(crate) fn resource(response: &DynamicMessage, field: Option<&str>) -> serde_json::Value {
    match field {
        None => json::dynamic_to_value(response),
        Some(name) => match response.get_field_by_name(name).as_deref() {
            Some(Value::Message(message)) => json::dynamic_to_value(message),
            _ => serde_json::Value::Null,
        },
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "nothing but these comes in a URL")]
fn scalar(field: &FieldDescriptor, text: &str) -> Result<Value, &'static str> {
    if field.is_list() || field.is_map() {
        return Err("cannot be given in a URL");
    }
    match field.kind() {
        Kind::String => Ok(Value::String(text.to_owned())),
        Kind::Int32 => text.parse().map(Value::I32).map_err(|_| "is not a whole number"),
        Kind::Bool => text.parse().map(Value::Bool).map_err(|_| "is neither true nor false"),
        _ => Err("cannot be given in a URL"),
    }
}

#[cfg(test)]
mod tests {
    use klout_proto::json::DESCRIPTORS;
    use proptest::prelude::*;

    use super::*;

    fn message(name: &str) -> DynamicMessage {
        let name = format!("klout.score.v1.{name}");
        DynamicMessage::new(DESCRIPTORS.get_message_by_name(&name).expect("a message"))
    }

    #[test]
    fn fields_are_set_by_either_name_and_within_messages() {
        let mut request = message("GetScoreRequest");
        set(&mut request, "account.handle", "ann").expect("a field");
        set(&mut request, "consistency.atLeastAsFresh", "s.1").expect("a field");
        let json = json::dynamic_to_value(&request);
        assert_eq!(json["account"]["handle"], "ann");
        assert_eq!(json["consistency"]["atLeastAsFresh"], "s.1");

        let mut request = message("ListScoresRequest");
        set(&mut request, "page_size", "7").expect("a field");
        set(&mut request, "pageToken", "x").expect("a field");
        assert_eq!(json::dynamic_to_value(&request)["pageSize"], 7);
    }

    #[test]
    fn what_is_no_field_is_named() {
        let mut request = message("ListScoresRequest");
        assert_eq!(set(&mut request, "pageSize", "x").expect_err("no number").field, "pageSize");
        assert_eq!(set(&mut request, "person.x", "1").expect_err("no message").field, "person.x");
        assert!(set(&mut request, "nothing", "1").is_err());
        let mut request = message("BatchLookupScoresRequest");
        assert!(set(&mut request, "subjects", "1").is_err());
        assert!(set(&mut request, "subjects.person", "1").is_err());
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(path in "[a-zA-Z_.]{0,30}", text in ".*") {
            for name in ["GetScoreRequest", "ListScoresRequest", "BatchLookupScoresRequest"] {
                let _ = set(&mut message(name), &path, &text);
            }
        }
    }
}
