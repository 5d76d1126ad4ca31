//! JSON that is nearly what a network answers. For tests alone.

use proptest::prelude::*;
use serde_json::Value;

/// Lists and objects of these names, with values of all kinds.
pub(crate) fn any_json(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_u64..4).prop_map(Value::from),
        prop::sample::select(vec![
            "1",
            "ann",
            "public",
            "2026-11-25T00:00:00Z",
            "..",
            "<a href=x>"
        ])
        .prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        let name = prop::sample::select(names).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..names.len())
                .prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}
