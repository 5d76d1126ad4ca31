//! A rule of any bytes, asked about nobody and about somebody.

#![no_main]

use klout_perk_rules::{Facts, Prepared, Rule};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Rule::parse("fuzz", text) {
        Err(error) => {
            let line = text.split('\n').nth(error.line - 1).expect("the line is there");
            assert!(error.column <= line.chars().count() + 1, "the place is in the text");
        }
        Ok(rule) => {
            let somebody = Facts {
                score: Some(40.0),
                topics: vec!["coffee".to_owned(); 20],
                country: Some("AT".to_owned()),
                plus_k: u32::MAX,
                ..Facts::default()
            };
            for facts in [Facts::default(), somebody] {
                let prepared = Prepared::new(&facts);
                let outcome = rule.evaluate_prepared(&prepared);
                assert_eq!(outcome.holds, rule.holds(&prepared));
                assert_eq!(outcome.holds, outcome.conditions.iter().all(|condition| condition.holds));
                assert!(outcome.conditions.iter().all(|condition| condition.explanation != "it cannot be told"));
            }
        }
    }
});
