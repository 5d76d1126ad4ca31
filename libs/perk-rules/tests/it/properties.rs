//! What is true of every rule and everybody.

use klout_perk_rules::{Facts, Prepared, Rule};
use proptest::prelude::*;
use time::{Duration, OffsetDateTime};

prop_compose! {
    fn facts()(
        numbers in prop::array::uniform6(prop::option::of(prop_oneof![0.0_f64..100.0, any::<f64>()])),
        topics in prop::collection::vec(prop_oneof![Just("coffee".to_owned()), "[a-c]{1,3}"], 0..20),
        country in prop::option::of(prop_oneof![Just("AT".to_owned()), ".{0,2}"]),
        city in prop::option::of(".{0,12}"),
        languages in prop::collection::vec("[a-c]{1,2}", 0..3),
        networks in prop::collection::vec("[a-c]{1,2}", 0..3),
        joined in prop::option::of(-2_000_000_000_000_i64..2_000_000_000_000),
        plus_k in any::<u32>(),
    ) -> Facts {
        let [score, percentile, confidence, true_reach, amplification, network_impact] = numbers;
        let member_since = joined.and_then(|at| OffsetDateTime::UNIX_EPOCH.checked_add(Duration::milliseconds(at * 10)));
        Facts { score, percentile, confidence, true_reach, amplification, network_impact, topics, country, city,
            languages, networks, member_since, plus_k }
    }
}

fn number() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("score".to_owned()),
        Just("percentile".to_owned()),
        Just("network_impact".to_owned()),
        Just("plus_k".to_owned()),
        Just("size(topics)".to_owned()),
        Just("city.size()".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("a number", |number| number.is_finite())
            .prop_map(|number| format!("{number:e}")),
        (0_i32..100).prop_map(|number| number.to_string()),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(&["+", "-", "*", "/"][..]), inner.clone())
                .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            inner.prop_map(|inner| format!("-({inner})")),
        ]
    })
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (number(), prop::sample::select(&["<", "<=", "==", "!=", ">=", ">"][..]), number())
            .prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
        "[a-c]{1,2}".prop_map(|topic| format!("\"{topic}\" in topics")),
        Just("country in ['AT', \"DE\"]".to_owned()),
        Just("country != 'AT'".to_owned()),
        Just("city.contains('&& (')".to_owned()),
        Just("topics.exists(t, t in languages || score > 3)".to_owned()),
        Just("topics.all(t, size(t) > 1)".to_owned()),
        Just("topics.exists(t, t in ['coffee', 'a'] || t == 'b')".to_owned()),
        Just("['coffee', 'a'].exists(t, t in topics)".to_owned()),
        Just("topics.filter(t, t == city).size() > 0".to_owned()),
        Just("member_since + duration('24h') < timestamp('2024-01-01T00:00:00Z')".to_owned()),
        any::<bool>().prop_map(|constant| constant.to_string()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("({})", parts.join(" && "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| parts.join("||")),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| parts.join("\n&& ")),
            inner.clone().prop_map(|inner| format!("!({inner}) // not so")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(if_so, yes, no)| format!("({if_so}\n? {yes}\n: {no}\n)")),
        ]
        .prop_map(|text| if text.contains("//") { format!("({text}\n)") } else { text })
    })
}

proptest! {
    #[test]
    fn a_rule_that_was_accepted_has_an_answer_for_everybody(
        expression in condition(), facts in facts(),
    ) {
        let parsed = Rule::parse("rule", &expression);
        if let Err(error) = &parsed {
            let is_limit = ["too ", "at most"].iter().any(|limit| error.problem.contains(limit));
            prop_assert!(is_limit, "{expression}: {error}");
        }
        let Ok(rule) = parsed else { return Ok(()) };
        let prepared = Prepared::new(&facts);
        let outcome = rule.evaluate_prepared(&prepared);
        prop_assert_eq!(outcome.holds, outcome.conditions.iter().all(|condition| condition.holds));
        prop_assert_eq!(outcome.holds, rule.holds(&prepared));
        prop_assert_eq!(&outcome, &rule.evaluate(&facts), "again, the same");
        for condition in &outcome.conditions {
            prop_assert!(!condition.explanation.is_empty());
            prop_assert_ne!(condition.explanation.as_str(), "it cannot be told", "{}", &condition.condition);
            // Each condition is a rule of its own that says the same.
            let alone = Rule::parse("alone", &condition.condition);
            prop_assert!(alone.is_ok(), "{} of {expression}: {alone:?}", &condition.condition);
            prop_assert_eq!(alone.map(|alone| alone.holds(&prepared)), Ok(condition.holds));
        }
    }

    #[test]
    fn any_text_is_a_rule_or_refused_at_a_place_within_it(text in prop_oneof![
        ".{0,60}",
        "[a-z()\\[\\]{}&|!?:.,'\"\\\\<>=+*/ 0-9\n-]{0,80}",
        prop::collection::vec(prop::sample::select(&[
            "score", "topics", "city", "(", ")", "[", "]", "&&", "||", "!", "?", ":", ".exists(t,", "in", "'a'", "\"",
            "40", "1.5", ">=", "==", "-", "//", "\n", "size(", "timestamp(", ",", "r'\\", "'''", "é", "{", "}", "map(",
        ][..]), 0..24).prop_map(|parts| parts.join(" ")),
    ], facts in facts()) {
        match Rule::parse("rule", &text) {
            Ok(rule) => prop_assert!(!rule.evaluate(&facts).conditions.is_empty()),
            Err(error) => {
                let line = text.split('\n').nth(error.line - 1);
                prop_assert!(line.is_some_and(|line| error.column <= line.chars().count() + 1), "{text:?}: {error}");
            }
        }
    }

    #[test]
    fn a_loop_that_is_answered_without_one_says_the_same(
        wanted in prop::collection::vec("[a-c]{1,2}", 1..6), facts in facts(),
    ) {
        let list = wanted.iter().map(|topic| format!("'{topic}'")).collect::<Vec<_>>().join(", ");
        let holds = |expression: String| Rule::parse("rule", &expression).map(|rule| rule.evaluate(&facts).holds);
        let expected = Ok(wanted.iter().any(|topic| facts.topics.contains(topic)));
        prop_assert_eq!(holds(format!("topics.exists(t, t in [{list}])")), expected.clone());
        prop_assert_eq!(holds(format!("[{list}].exists(t, t in topics)")), expected.clone());
        // This shape is not known, so that it is a loop.
        prop_assert_eq!(holds(format!("topics.exists(t, !!(t in [{list}]))")), expected);
    }

    #[test]
    fn more_influence_never_loses_what_less_had(
        needed in -10.0_f64..110.0, less in 0.0_f64..100.0, more in 0.0_f64..100.0,
    ) {
        let rule = Rule::parse("rule", &format!("score >= {needed}"));
        prop_assert!(rule.is_ok());
        let Ok(rule) = rule else { return Ok(()) };
        let holds = |score: f64| rule.evaluate(&Facts { score: Some(score), ..Facts::default() }).holds;
        prop_assert!(!holds(less) || holds(less + more));
        prop_assert_eq!(holds(less), less >= needed);
    }
}
