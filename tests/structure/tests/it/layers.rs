//! ARCHITECTURE.md says which crate may import which; this test is that section.

use std::process::Command;

use serde_json::Value;

use crate::sources;

/// From the bottom up. A crate may import crates of lower layers only, so two services never see
/// each other, and nothing but a test sees the test kit.
const LAYERS: &[&[&str]] = &[
    &["klout-contact", "klout-embedded", "klout-model", "klout-outbound", "klout-telemetry"],
    // The reference is what the two above it are tested against, and may not know them.
    &["klout-ontology", "klout-perk-rules", "klout-reference", "klout-score-math", "klout-world"],
    &["klout-score-engine", "klout-topic-math", "klout-proto", "klout-store"],
    &["klout-chassis", "klout-client", "klout-import", "klout-networks"],
    SERVICES,
    &["klout", "klout-testkit", "xtask"],
    &["klout-flows", "klout-structure"],
];

const SERVICES: &[&str] = &[
    "klout-connector",
    "klout-gateway",
    "klout-perks",
    "klout-scoring",
    "klout-social-graph",
    "klout-topics",
];

/// Crates whose answers depend on nothing but their arguments.
const PURE: &[&str] = &[
    "klout-contact",
    "klout-model",
    "klout-networks",
    "klout-ontology",
    "klout-perk-rules",
    "klout-reference",
    "klout-score-math",
    "klout-score-engine",
    "klout-topic-math",
    "klout-world",
];

/// What would let a pure crate wait, read a clock or reach a network.
const IMPURE: &[&str] = &["axum", "redis", "reqwest", "sqlx", "tokio", "tonic"];

/// Who speaks to what is outside, by the start of the name of what it takes to do so.
const SPEAKERS: &[(&str, &[&str])] = &[
    // The chassis runs the migrations of its services and tells failed statements apart.
    // The binary measures what Postgres does without us.
    // Flows compare all that two installations know.
    ("sqlx", &["klout-store", "klout-chassis", "klout-testkit", "klout", "klout-flows"]),
    ("redis", &["klout-store", "klout-testkit"]),
    (
        "reqwest",
        &[
            "klout-outbound",
            "klout-connector",
            "klout-gateway",
            "klout-social-graph",
            "klout-testkit",
            "klout-flows",
        ],
    ),
    ("opentelemetry", &["klout-telemetry"]),
];

#[test]
fn imports_point_downwards() {
    for (importer, imported) in imports() {
        if is_ours(&importer) && is_ours(&imported) {
            let lower = layer(&imported) < layer(&importer);
            assert!(lower, "{importer} must not import {imported}");
        }
    }
}

#[test]
fn every_crate_has_a_place() {
    for package in packages() {
        layer(package["name"].as_str().expect("a name"));
    }
}

#[test]
fn pure_crates_stay_pure() {
    for (importer, imported) in imports() {
        let broken = PURE.contains(&&*importer) && IMPURE.contains(&&*imported);
        assert!(!broken, "{importer} is pure, so it must not import {imported}");
    }
}

#[test]
fn few_crates_speak_to_what_is_outside() {
    for (importer, imported) in imports() {
        for (name, speakers) in SPEAKERS {
            let allowed = speakers.contains(&&*importer)
                || (*name == "sqlx" && SERVICES.contains(&&*importer));
            assert!(
                allowed || !imported.starts_with(name),
                "{importer} must not import {imported}; {speakers:?} do"
            );
        }
    }
}

#[test]
fn sql_of_a_service_is_in_its_store_module() {
    for source in service_sources() {
        let store = source.path.contains("/src/store/") || source.path.ends_with("/src/store.rs");
        let sql = ["sqlx::query", "query!(", "query_as", "query_scalar"];
        let found = sql.iter().find(|name| source.text.contains(*name));
        assert!(store || found.is_none(), "{}: move the SQL to the store module", source.path);
    }
}

#[test]
fn statuses_of_a_service_are_made_where_it_answers() {
    for source in service_sources() {
        let answers = ["/src/error.rs", "/src/rpc.rs"].iter().any(|end| source.path.ends_with(end))
            || source.path.contains("/src/rpc/")
            // Translating what other services answer is what the gateway is for.
            || source.path.starts_with("services/gateway/");
        // Who calls a peer is answered with a status, so the type alone says nothing.
        let makes = ["Status::new(", "Status::internal(", "Status::invalid_argument("]
            .iter()
            .any(|maker| source.text.contains(maker));
        assert!(answers || !makes, "{}: return an `Error`, and let rpc.rs answer", source.path);
    }
}

fn service_sources() -> impl Iterator<Item = sources::Source> {
    let services = sources::services();
    sources::rust().filter(move |source| {
        services.iter().any(|folder| source.path.starts_with(&format!("{folder}/src/")))
    })
}

fn is_ours(name: &str) -> bool {
    name == "klout" || name == "xtask" || name.starts_with("klout-")
}

fn layer(name: &str) -> usize {
    let found = LAYERS.iter().position(|layer| layer.contains(&name));
    found.unwrap_or_else(|| panic!("give {name} a place in LAYERS, and in ARCHITECTURE.md"))
}

/// Every `(importer, imported)` of the workspace, `[dev-dependencies]` left out.
fn imports() -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let mut imports = Vec::new();
    for package in packages() {
        for dependency in package["dependencies"].as_array().expect("an array") {
            if dependency["kind"] != "dev" {
                imports.push((text(&package["name"]), text(&dependency["name"])));
            }
        }
    }
    assert!(!imports.is_empty(), "cargo metadata names no imports");
    imports
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(sources::root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    metadata["packages"].as_array().expect("an array").clone()
}
