//! Canonical protobuf JSON, by reflection.
//!
//! lowerCamelCase, 64-bit integers as strings, times as RFC 3339. Fields that are not `optional`
//! are always printed.

mod score;

use std::sync::LazyLock;

use prost::Name;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};

pub use self::score::score;

/// Every contract, for reflection.
pub static DESCRIPTORS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(crate::FILE_DESCRIPTOR_SET).expect("the build made valid descriptors")
});

/// The JSON of a generated message, ready to be printed or picked apart.
#[must_use]
pub fn to_value<M: prost::Message + Name>(message: &M) -> serde_json::Value {
    let descriptor = DESCRIPTORS
        .get_message_by_name(&M::full_name())
        .expect("every generated message has a descriptor");
    dynamic_to_value(
        &DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
            .expect("what a generated message encodes, its descriptor decodes"),
    )
}

/// The JSON of a message that is known by its descriptor alone.
#[must_use]
pub fn dynamic_to_value(message: &DynamicMessage) -> serde_json::Value {
    let options = SerializeOptions::new().skip_default_fields(false);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap_or_else(|error| serde_json::Value::String(error.to_string()))
}

/// Reads a message from JSON. Unknown fields are refused, so that a misspelt one is noticed.
///
/// # Errors
///
/// When it is not the JSON of such a message; the error says where.
pub fn from_value(
    descriptor: MessageDescriptor,
    json: serde_json::Value,
) -> Result<DynamicMessage, serde_json::Error> {
    DynamicMessage::deserialize(descriptor, json)
}

/// Reads a generated message from the text of its JSON, and nothing else in it.
///
/// # Errors
///
/// When it is not the JSON of such a message; the error says where.
pub fn from_slice<M: prost::Message + Name + Default>(text: &[u8]) -> Result<M, serde_json::Error> {
    let descriptor = DESCRIPTORS
        .get_message_by_name(&M::full_name())
        .expect("every generated message has a descriptor");
    dynamic_from_slice(descriptor, text)?.transcode_to().map_err(serde::de::Error::custom)
}

/// The same of a message that is known by its descriptor alone. What is no such message is refused where it begins to
/// differ: JSON that is not read takes no memory.
///
/// # Errors
///
/// When it is not the JSON of such a message; the error says where.
pub fn dynamic_from_slice(
    descriptor: MessageDescriptor,
    text: &[u8],
) -> Result<DynamicMessage, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let message = DynamicMessage::deserialize(descriptor, &mut deserializer)?;
    deserializer.end()?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::v1::{LookupResult, Score, lookup_result};

    #[test]
    fn fields_that_are_always_there_are_printed_and_absent_ones_are_not() {
        let json =
            to_value(&Score { person: "42".into(), state: "UNKNOWN".into(), ..Default::default() });
        assert_eq!(json["person"], "42");
        assert_eq!(json["epoch"], "0");
        assert_eq!(json["bucket"], "");
        assert!(json.get("score").is_none() && json.get("percentile").is_none());
    }

    #[test]
    fn a_status_prints_the_reason_in_its_details() {
        use tonic_types::{ErrorDetails, StatusExt as _};
        let details = ErrorDetails::with_error_info("PERSON_UNKNOWN", "klout", []);
        let status =
            tonic::Status::with_error_details(tonic::Code::NotFound, "no such person", details);
        let status = <tonic_types::pb::Status as prost::Message>::decode(status.details())
            .expect("a status");
        let json = to_value(&LookupResult { result: Some(lookup_result::Result::Status(status)) });
        assert_eq!(json["status"]["details"][0]["reason"], "PERSON_UNKNOWN", "{json}");
    }
}
