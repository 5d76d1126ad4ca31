//! Between REST and the messages of an RPC, by their descriptors. No I/O.

use klout_proto::json;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value,
};

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
    let field = named(message, name).ok_or_else(|| unbindable("is not a field of the request"))?;
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

/// Whether a field is there that [`set`] would set, or another one in its place.
pub(crate) fn is_set(message: &DynamicMessage, path: &str) -> bool {
    let (name, inner) =
        path.split_once('.').map_or((path, None), |(name, inner)| (name, Some(inner)));
    let Some(field) = named(message, name) else { return false };
    let others = field.containing_oneof();
    let others = others.iter().flat_map(prost_reflect::OneofDescriptor::fields);
    if others.into_iter().any(|other| other != field && message.has_field(&other)) {
        return true;
    }
    match inner {
        Some(inner) => {
            message.get_field(&field).as_message().is_some_and(|nested| is_set(nested, inner))
        }
        None => message.has_field(&field),
    }
}

/// The field of either name.
fn named(message: &DynamicMessage, name: &str) -> Option<FieldDescriptor> {
    let descriptor = message.descriptor();
    descriptor.get_field_by_name(name).or_else(|| descriptor.get_field_by_json_name(name))
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

/// Whether a field can be given in a URL.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing but these comes in a URL")]
pub(crate) fn comes_in_a_url(field: &FieldDescriptor) -> bool {
    !field.is_list()
        && !field.is_map()
        && match field.kind() {
            Kind::String | Kind::Double | Kind::Int32 | Kind::Bool => true,
            Kind::Message(message) => matches!(
                message.full_name(),
                "google.protobuf.Timestamp" | "google.protobuf.Duration"
            ),
            _ => false,
        }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "nothing but these comes in a URL")]
fn scalar(field: &FieldDescriptor, text: &str) -> Result<Value, &'static str> {
    if field.is_list() || field.is_map() {
        return Err("cannot be given in a URL");
    }
    match field.kind() {
        Kind::String => Ok(Value::String(text.to_owned())),
        Kind::Double => match text.parse() {
            Ok(number) if f64::is_finite(number) => Ok(Value::F64(number)),
            Ok(_) | Err(_) => Err("is not a number"),
        },
        Kind::Int32 => text.parse().map(Value::I32).map_err(|_| "is not a whole number"),
        // Canonical JSON has one string for either.
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
            well_known(message, text).ok_or("is not a time such as 2026-10-05T00:00:00Z")
        }
        Kind::Message(message) if message.full_name() == "google.protobuf.Duration" => {
            well_known(message, text).ok_or("is not a duration such as 1.5s")
        }
        Kind::Bool => text.parse().map(Value::Bool).map_err(|_| "is neither true nor false"),
        _ => Err("cannot be given in a URL"),
    }
}

fn well_known(descriptor: MessageDescriptor, text: &str) -> Option<Value> {
    json::from_value(descriptor, text.into()).map(Value::Message).ok()
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
    fn times_and_durations_are_read_as_their_json_has_them() {
        let mut request = message("GetScoreRequest");
        for time in ["2026-10-05T00:00:00Z", "2026-10-05T02:00:00+02:00"] {
            set(&mut request, "atTime", time).expect("a time");
            assert_eq!(json::dynamic_to_value(&request)["atTime"], "2026-10-05T00:00:00Z");
        }
        set(&mut request, "consistency.max_staleness", "1.500s").expect("a duration");
        let staleness = &json::dynamic_to_value(&request)["consistency"]["maxStaleness"];
        assert_eq!(staleness, "1.500s");
        for wrong in ["", "2026-10-05", "yesterday", "1780000000", "2026-13-05T00:00:00Z", "null"] {
            let unbindable = set(&mut request, "atTime", wrong).expect_err("no time");
            assert_eq!(unbindable.field, "atTime");
        }
        for wrong in ["", "2", "2m", "soon"] {
            assert!(set(&mut request, "consistency.maxStaleness", wrong).is_err(), "{wrong}");
        }
        assert!(set(&mut request, "account", "{}").is_err(), "no other message comes in a URL");
    }

    #[test]
    fn a_field_is_there_when_another_of_its_choice_is() {
        let mut request = message("SimulateScoreRequest");
        assert!(!is_set(&request, "person"));
        set(&mut request, "account.network", "bluesky").expect("a field");
        assert!(is_set(&request, "account.network") && !is_set(&request, "account.handle"));
        assert!(is_set(&request, "person"), "whose score is told by account already");
        assert!(!is_set(&request, "account.nativeId") && !is_set(&request, "account.native_id"));
        set(&mut request, "account.handle", "ann").expect("a field");
        assert!(is_set(&request, "account.nativeId"), "who it is, is told by handle already");
        set(&mut request, "person", "42").expect("a field");
        assert!(is_set(&request, "person") && is_set(&request, "account.handle"));
        assert!(!is_set(&request, "nothing") && !is_set(&request, "person.x"));
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
                for path in [&*path, "at_time", "start_time", "consistency.max_staleness"] {
                    let _ = set(&mut message(name), path, &text);
                }
            }
        }
    }
}
