//! What is no rule, and where.

use klout_perk_rules::{Rule, RuleError};

fn refused(expression: &str) -> RuleError {
    match Rule::parse("rule", expression) {
        Ok(_) => panic!("{expression} is refused"),
        Err(error) => error,
    }
}

#[test]
fn an_error_points_at_its_character_and_says_what_is_wrong() {
    let cases = [
        ("", 1, 1, "it is empty"),
        ("score >=", 1, 9, "something is missing at the end"),
        ("score => 40", 1, 7, "`=>` is not used in rules; `>=` is `or more`"),
        ("score = 40", 1, 7, "`=` is not used in rules; `==` compares"),
        ("score >= 40 and true", 1, 13, "`and` is written `&&`"),
        ("score >= 40;", 1, 12, "`;` is not used in rules"),
        ("(score > 1", 1, 11, "`)` is missing"),
        ("score > 1)", 1, 10, "`)` does not belong here"),
        ("city == \"Wien", 1, 9, "the text that starts here does not end"),
        ("score >= 99999999999999999999", 1, 10, "the number is too large"),
        ("\"é\" in topics &&\n  score >= \"40\"", 2, 12, "`>=` compares a number with a text"),
        ("'é' in topics && 99999999999999999999 > 1", 1, 18, "the number is too large"),
        ("score", 1, 1, "a rule is a condition, and this is a number"),
        ("score > true", 1, 9, "`>` compares a number with a condition"),
        ("topics == networks", 1, 11, "`==` does not compare lists; `in` looks into one"),
        ("'a' in city", 1, 8, "`in` looks into a list, and this is a text"),
        ("1 in topics", 1, 1, "`in` looks for a number in a list of which each is a text"),
        ("score && true", 1, 1, "`&&` joins conditions, and this is a number"),
        ("!score", 1, 1, "`!` needs a condition, and this is a number"),
        ("city + 'x' == 'y'", 1, 6, "`+` cannot calculate with a text and a text"),
        ("plus_k % 2 == 0", 1, 8, "there is no `%` in rules"),
        ("topics[0] == 'a'", 1, 7, "there is no `[ ]` in rules"),
        ("score.value > 1", 1, 6, "a number has no `value`"),
        (
            "topics.contains('a')",
            1,
            1,
            "`contains` looks into a text, and this is a list; `in` looks into lists",
        ),
        (
            "score == null",
            1,
            10,
            "there is no `null` in rules: what is not known holds for nobody anyway",
        ),
        (
            "has(city)",
            1,
            5,
            "there is no `has` in rules: what is not known holds for nobody anyway",
        ),
        ("country in []", 1, 12, "an empty list has nothing in it"),
        ("{'a': 1} == {'a': 1}", 1, 1, "there are no `{` and `}` in rules"),
        (
            "member_since > timestamp('2024-01-01')",
            1,
            26,
            "a time is written as in timestamp(\"2026-01-31T00:00:00Z\")",
        ),
        (
            "topics.exists(score, true)",
            1,
            14,
            "`score` is used already; name the entries otherwise",
        ),
        (
            "topics.map(t, size(t)) == topics",
            1,
            11,
            "of what goes through a list there are `exists`, `all` and `filter` in rules",
        ),
        (
            "topics.exists(a, topics.exists(b, topics.exists(c, a == c)))",
            1,
            48,
            "`exists`, `all` and `filter` are nested too deep; two levels is the most",
        ),
        (
            "topics.exists(t)",
            1,
            14,
            "`exists` takes a name and a condition: topics.exists(t, t == \"coffee\")",
        ),
    ];
    for (expression, line, column, problem) in cases {
        let error = refused(expression);
        assert_eq!(
            (error.line, error.column, error.problem.as_str()),
            (line, column, problem),
            "{expression}"
        );
    }
}

#[test]
fn a_name_that_does_not_exist_is_told_with_those_that_do() {
    let error = refused("score > 1 && followers > 1000");
    assert_eq!((error.line, error.column), (1, 14));
    assert_eq!(
        error.problem,
        "there is no `followers`; there are score, percentile, confidence, true_reach, amplification, network_impact, \
         topics, country, city, languages, networks, member_since, plus_k"
    );
    assert!(refused("scroe > 1").problem.starts_with("there is no `scroe`: did you mean `score`?"));
    assert!(refused("Country == 'AT'").problem.contains("did you mean `country`?"));
    assert!(refused("city.startswith('W')").problem.contains("did you mean `startsWith`?"));
    assert!(
        refused("matches(city, 'W.*')")
            .problem
            .starts_with("there is no function `matches`; there are size")
    );
}

#[test]
fn hostile_texts_are_refused_before_they_cost_anything() {
    let nested = [
        "(".repeat(1_000),
        "[".repeat(500),
        format!("'\\q{}", "(".repeat(900)),
        format!("{}true{}", "(".repeat(400), ")".repeat(400)),
        format!("{}true", "!".repeat(990)),
        format!("{}1 > 0", "- ".repeat(490)),
        format!("1{} > 0", "+1".repeat(490)),
        format!("true{}", "?true:true".repeat(90)),
        format!("score{}", ".a".repeat(490)),
        format!("score{}", "[0]".repeat(300)),
        "\u{0}".repeat(900),
        "é".repeat(490),
        "'''".to_owned(),
        "\\".to_owned(),
    ];
    for expression in nested {
        // `!` or `-` in even number cost nothing.
        let parsed = Rule::parse("rule", &expression);
        assert!(parsed.is_err() || expression.starts_with(['!', '-']), "{expression}");
    }
    assert_eq!(refused(&"true && ".repeat(200)).problem, "a rule has at most 1,000 bytes");
    assert_eq!(refused(&format!("{}true{}", "(".repeat(13), ")".repeat(13))).column, 13);
    assert!(Rule::parse("rule", &format!("{}true{}", "(".repeat(12), ")".repeat(12))).is_ok());
}

#[test]
fn what_would_take_too_long_is_refused() {
    let inner = (0..14)
        .map(|_| "topics.exists(b, a == b || b in languages)")
        .collect::<Vec<_>>()
        .join("||");
    let error = refused(&format!("topics.all(a, {inner})"));
    assert!(error.problem.starts_with("it takes too many steps"), "{error}");
}

#[test]
fn rules_can_be_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Rule>();
}
