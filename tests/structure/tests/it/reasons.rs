//! Whoever is refused gets a reason, and each reason has a page with its cause and its cure.

use std::collections::BTreeSet;

use klout_model::RowReason;

use crate::sources;

/// Words in the same spelling that are no reasons: codes and health of gRPC, variables of the environment,
/// what people are, get and prove by, what becomes of connections, and what comes out of a campaign or of a check-in.
const NOT_REASONS: [&str; 33] = [
    "ALREADY_EXISTS",
    "ALREADY_GRANTED",
    "APP_PASSWORD",
    "CARGO_PKG_VERSION",
    "CATEGORY_TAKEN",
    "DATABASE_URL",
    "DATABASE_URL_DIRECT",
    "DATA_LOSS",
    "DEADLINE_PASSED",
    "FAILED_PRECONDITION",
    "GUEST_UNKNOWN",
    "HELD_OUT",
    "INVALID_ARGUMENT",
    "NEEDS_ACCESS",
    "NOT_ACTIVE",
    "NOT_FOUND",
    "NOT_SERVING",
    "NO_CAMPAIGN",
    "NO_OFFER",
    "NO_UPGRADE",
    "OPTED_OUT",
    "OPT_OUT",
    "OUT_OF_RANGE",
    "PERMISSION_DENIED",
    "PLACE_FAILED",
    "PROPERTY_FAILED",
    "REDIS_URL",
    "REL_ME",
    "RESOURCE_EXHAUSTED",
    "RULE_FAILED",
    "RUST_LOG",
    "SOLD_OUT",
    "STAY_REUSED",
];

#[test]
fn every_reason_has_a_page() {
    let (reasons, pages) = (reasons(), pages());
    let missing: Vec<_> = reasons.difference(&pages).collect();
    assert!(missing.is_empty(), "write docs/errors/<REASON>.md: {missing:#?}");
}

#[test]
fn every_page_has_a_reason() {
    let (reasons, pages) = (reasons(), pages());
    let stale: Vec<_> = pages.difference(&reasons).collect();
    assert!(stale.is_empty(), "nobody gives these reasons of docs/errors/: {stale:#?}");
}

#[test]
fn every_page_tells_cause_and_cure() {
    for page in pages() {
        let path = format!("docs/errors/{page}.md");
        let text = sources::read(&path);
        assert!(text.starts_with(&format!("# {page}\n")), "{path} starts with its reason");
        for heading in ["\n## Cause\n", "\n## Cure\n"] {
            assert!(text.contains(heading), "{path} has no section {}", heading.trim());
        }
    }
}

#[test]
fn every_reason_that_a_contract_promises_is_given() {
    let reasons = reasons();
    for proto in sources::all().into_iter().filter(|source| source.path.ends_with(".proto")) {
        for promise in proto.text.split("reason ").skip(1) {
            let end = promise.find(|it| !is_of_reason(it)).unwrap_or(promise.len());
            let promised = &promise[..end];
            let given = promised.is_empty() || reasons.contains(promised);
            assert!(given, "{} promises {promised}, which nobody gives", proto.path);
        }
    }
}

#[test]
fn reasons_are_told_from_other_strings() {
    let text = r#"Refusal::new(Code::Internal, "FAULT").with("KEY", 1); "NO_SCORE"; "OK"; "a_b""#;

    assert_eq!(spelled_out(text), ["FAULT", "NO_SCORE"]);
}

/// Those of rows, and those that the sources of the chassis, of the services and of what networks do spell out.
fn reasons() -> BTreeSet<String> {
    let mut reasons: BTreeSet<_> =
        RowReason::ALL.iter().map(|reason| reason.as_str().to_owned()).collect();
    for source in sources::rust() {
        let refuses = source.path.starts_with("libs/chassis/src/")
            || source.path == "libs/networks/src/trouble.rs"
            || source.path.starts_with("services/") && source.path.contains("/src/");
        if refuses {
            reasons.extend(spelled_out(&source.text));
        }
    }
    assert!(reasons.len() > RowReason::ALL.len(), "the sources spell no reason out");
    reasons
}

/// Every string that looks like a reason: at least two words, or given to a `Refusal`.
fn spelled_out(text: &str) -> Vec<String> {
    let pieces: Vec<_> = text.split('"').collect();
    let candidates = pieces.windows(2).filter_map(|pair| {
        let [before, word] = pair else { return None };
        let two_words = word.contains('_') && !word.starts_with('_') && !word.ends_with('_');
        // The argument before it is a code: no call and no statement lies between.
        let given = before
            .rsplit_once("Refusal::new(")
            .is_some_and(|(_, between)| !between.contains(['(', ')', ';']));
        let looks =
            word.chars().all(is_of_reason) && word.starts_with(|it: char| it.is_ascii_uppercase());
        // Ours are not those of the proxy before Klout's old API.
        let foreign = word.starts_with("KLOUT_") || word.starts_with("ERR_403_");
        let is_reason = looks && (two_words || given) && !foreign;
        (is_reason && !NOT_REASONS.contains(word)).then(|| (*word).to_owned())
    });
    candidates.collect()
}

fn is_of_reason(it: char) -> bool {
    it.is_ascii_uppercase() || it.is_ascii_digit() || it == '_'
}

fn pages() -> BTreeSet<String> {
    let name = |source: sources::Source| {
        Some(source.path.strip_prefix("docs/errors/")?.strip_suffix(".md")?.to_owned())
    };
    sources::all().into_iter().filter_map(name).collect()
}
