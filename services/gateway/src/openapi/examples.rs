//! Examples of requests and answers, held against their schemas by a test.

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;
use serde_json::Value;

/// By the names of operations.
static EXAMPLES: LazyLock<HashMap<String, Examples>> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).expect("a test reads it"));

/// Parameters that are called so, wherever they are.
const PARAMETERS: [(&str, &str); 12] = [
    ("person", "7034210938457123"),
    ("network", "bluesky"),
    ("handle", "ann.example"),
    ("nativeId", "did:plc:ann"),
    ("topic", "photography"),
    ("country", "PT"),
    ("city", "Lisbon"),
    ("language", "en"),
    ("atTime", "2026-10-05T00:00:00Z"),
    ("startTime", "2026-10-01T00:00:00Z"),
    ("endTime", "2026-11-01T00:00:00Z"),
    ("day", "2026-10-05"),
];

/// One of each, where there is one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Examples {
    pub(super) request: Option<Value>,
    pub(super) response: Option<Value>,
}

// === impl Examples ===

impl Examples {
    /// Of an operation.
    pub(super) fn of(operation: &str) -> Self {
        EXAMPLES.get(operation).cloned().unwrap_or_default()
    }

    /// The operations that have some.
    #[cfg(test)]
    pub(super) fn operations() -> impl Iterator<Item = &'static String> {
        EXAMPLES.keys()
    }
}

pub(super) fn of_parameter(name: &str) -> Option<Value> {
    PARAMETERS.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
}
