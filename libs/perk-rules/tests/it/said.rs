//! What a rule says about somebody, in words.

use klout_perk_rules::{Facts, Rule, RuleOutcome};
use time::macros::datetime;

fn somebody() -> Facts {
    Facts {
        score: Some(38.0),
        percentile: Some(91.24),
        confidence: Some(0.456),
        true_reach: Some(1200.4),
        amplification: Some(20.0),
        network_impact: Some(0.0),
        topics: vec!["coffee".to_owned(), "travel".to_owned()],
        country: Some("AT".to_owned()),
        city: Some("Wien".to_owned()),
        languages: vec!["de".to_owned()],
        networks: vec!["github".to_owned(), "mastodon".to_owned()],
        member_since: Some(datetime!(2024-05-02 10:00 UTC)),
        plus_k: 3,
    }
}

fn outcome(expression: &str, facts: &Facts) -> RuleOutcome {
    Rule::parse("rule", expression)
        .unwrap_or_else(|error| panic!("{expression}: {error}"))
        .evaluate(facts)
}

/// Holds or not, and the one explanation.
fn said(expression: &str, facts: &Facts) -> (bool, String) {
    let outcome = outcome(expression, facts);
    let [condition] = outcome.conditions.as_slice() else {
        panic!("{expression} is one condition")
    };
    assert_eq!(condition.holds, outcome.holds);
    (outcome.holds, condition.explanation.clone())
}

#[test]
fn a_rule_is_told_condition_by_condition_as_it_stands() {
    let outcome = outcome("score >= 40 && (\"coffee\" in topics && country == 'AT')", &somebody());
    assert!(!outcome.holds);
    let told: Vec<_> = outcome
        .conditions
        .iter()
        .map(|condition| {
            (condition.condition.as_str(), condition.holds, condition.explanation.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("score >= 40", false, "needs 40 or more, you have 38"),
            ("\"coffee\" in topics", true, "needs the topic coffee, you have coffee"),
            ("country == 'AT'", true, "needs the country AT, yours is AT"),
        ]
    );
}

#[test]
fn each_kind_of_condition_has_words_of_its_own() {
    let cases = [
        ("score >= 40", false, "needs 40 or more, you have 38"),
        ("40 <= score", false, "needs 40 or more, you have 38"),
        ("!(score < 40)", false, "needs 40 or more, you have 38"),
        ("score > 37.5", true, "needs more than 37.5, you have 38"),
        ("score != 38", false, "needs other than 38, you have 38"),
        ("percentile >= 95", false, "needs a percentile of 95 or more, you have 91.2"),
        ("confidence > 0.5", false, "needs a confidence of more than 0.5, you have 0.46"),
        ("true_reach >= 1000", true, "needs a true reach of 1000 or more, you have 1200"),
        ("amplification <= 10", false, "needs an amplification of 10 or less, you have 20"),
        ("network_impact > 0", false, "needs a network impact of more than 0, you have 0"),
        ("plus_k >= 5", false, "needs 5 +K or more, you have 3"),
        ("size(topics) >= 3", false, "needs 3 topics or more, you have 2"),
        ("networks.size() == 1", false, "needs exactly 1 network, you have 2"),
        ("'tea' in topics", false, "needs the topic tea"),
        ("!('coffee' in topics)", false, "is not for the topic coffee, you have coffee"),
        ("topics.exists(t, t == 'tea' || t in ['wine'])", false, "needs the topics tea or wine"),
        (
            "['tea', 'coffee'].exists(t, t in topics)",
            true,
            "needs the topics tea or coffee, you have coffee",
        ),
        (
            "['tea', 'coffee'].all(t, t in topics)",
            false,
            "needs the topics tea and coffee, you lack tea",
        ),
        ("'en' in languages", false, "needs the language en"),
        ("'github' in networks", true, "needs the network github, you have github"),
        ("country in ['DE', 'CH']", false, "needs the countries DE or CH, yours is AT"),
        ("city != 'Wien'", false, "is not for the city Wien, yours is Wien"),
        (
            "member_since < timestamp('2024-01-01T00:00:00Z')",
            false,
            "needs to have joined before 2024-01-01, you joined on 2024-05-02",
        ),
        (
            "member_since <= timestamp('2024-05-02T09:00:00Z')",
            false,
            "needs to have joined at the latest at 2024-05-02T09:00:00Z, you joined at 2024-05-02T10:00:00Z",
        ),
        (
            "score >= 40 || 'coffee' in topics",
            true,
            "needs 40 or more, you have 38; or needs the topic coffee, you have coffee",
        ),
        (
            "(score >= 40 && plus_k > 1) || country == 'DE'",
            false,
            "needs 40 or more, you have 38, and needs more than 1 +K, you have 3; or needs the country DE, yours is AT",
        ),
        ("score + amplification > 60", false, "it does not hold with score 38, amplification 20"),
        (
            "city.startsWith('W') ? plus_k > 2 : score > 50",
            true,
            "it holds with city Wien, plus_k 3, score 38",
        ),
        ("true", true, "it holds"),
    ];
    for (expression, holds, explanation) in cases {
        assert_eq!(said(expression, &somebody()), (holds, explanation.to_owned()), "{expression}");
    }
}

#[test]
fn a_number_is_not_rounded_over_what_it_is_compared_with() {
    let cases =
        [(39.97, "39.97"), (39.999_96, "39.99996"), (40.04, "40"), (38.26, "38.3"), (40.0, "40")];
    for (score, told) in cases {
        let facts = Facts { score: Some(score), ..somebody() };
        assert_eq!(
            said("score >= 40", &facts),
            (score >= 40.0, format!("needs 40 or more, you have {told}"))
        );
    }
    let facts = Facts { score: Some(40.04), ..somebody() };
    assert_eq!(said("score > 40", &facts), (true, "needs more than 40, you have 40.04".to_owned()));
}

#[test]
fn what_is_not_known_holds_for_nobody_but_is_passed_by_where_it_does_not_matter() {
    let nobody = Facts::default();
    let cases = [
        ("score >= 40", false, "the score is not known yet"),
        ("!(score >= 40)", false, "the score is not known yet"),
        ("percentile < 40", false, "the percentile is not known yet"),
        ("country == 'AT'", false, "the country is not known"),
        ("country != 'AT'", false, "the country is not known"),
        (
            "member_since < timestamp('2030-01-01T00:00:00Z')",
            false,
            "the time of joining is not known",
        ),
        (
            "score > 40 || plus_k >= 0",
            true,
            "the score is not known yet; or needs 0 +K or more, you have 0",
        ),
        ("score + 1 > 40", false, "the score is not known yet"),
        ("size(topics) == 0", true, "needs exactly 0 topics, you have 0"),
    ];
    for (expression, holds, explanation) in cases {
        assert_eq!(said(expression, &nobody), (holds, explanation.to_owned()), "{expression}");
    }
    let not_a_number = Facts { score: Some(f64::NAN), ..Facts::default() };
    assert_eq!(said("score != 1", &not_a_number), (false, "the score is not known yet".to_owned()));
}

#[test]
fn arithmetic_that_leaves_the_numbers_holds_for_nobody() {
    let cases = [
        ("score / network_impact > 1", "it divides by zero with score 38, network_impact 0"),
        ("plus_k / (plus_k - 3) > 1", "it divides by zero with plus_k 3"),
        ("score * 1e308 * 10 > 1", "a number in it becomes too large with score 38"),
        ("plus_k + 9223372036854775807 > 1", "a number in it becomes too large with plus_k 3"),
        (
            "member_since + duration('2562047788h') > member_since",
            "a number in it becomes too large with member_since 2024-05-02T10:00:00Z",
        ),
    ];
    for (expression, explanation) in cases {
        assert_eq!(said(expression, &somebody()), (false, explanation.to_owned()), "{expression}");
    }
}

#[test]
fn whole_numbers_and_others_mix_as_people_write_them() {
    for expression in [
        "score == 38",
        "score / 2 == 19",
        "plus_k * 0.5 == 1.5",
        "score + plus_k > 40",
        "1 + 1.5 < plus_k",
        "plus_k in [1, 3.0]",
        "score in [38, 39]",
        "-score < 0 && -plus_k == -3",
        "(plus_k > 1 ? plus_k : score) == 3",
        "double(plus_k) / 2 == 1.5",
        "member_since - timestamp('2024-05-01T00:00:00Z') > duration('33h')",
        "topics.filter(t, t.startsWith('c')).size() == 1",
        "topics.all(t, networks.exists(n, n != t))",
        "member_since + duration('24h') == timestamp('2024-05-03T12:00:00+02:00')",
    ] {
        assert!(outcome(expression, &somebody()).holds, "{expression}");
    }
}
