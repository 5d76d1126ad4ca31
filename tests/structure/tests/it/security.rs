//! What keeps a service safe and cannot be seen from outside.

use crate::sources;

#[test]
fn each_attack_that_was_tried_names_its_test() {
    let page = sources::read("docs/security.md");
    let tests: Vec<String> = sources::rust()
        .filter(|source| source.text.contains("#[test]") || source.text.contains("::test]"))
        .map(|source| source.text)
        .collect();
    let mut attacks = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let named = row.trim_end_matches(" |").rsplit(" | ").next().expect("a row has columns");
        for name in named.split(", ") {
            let declared = format!("fn {}(", name.trim_matches('`'));
            assert!(tests.iter().any(|text| text.contains(&declared)), "{name} is no test: {row}");
        }
        attacks += 1;
    }
    assert!(attacks > 20, "the table is there");
}

/// How long it takes says nothing that a test could hold on a busy machine, so this holds what it is made of.
#[test]
fn secrets_of_keys_are_compared_in_constant_time() {
    let keys = sources::read("services/gateway/src/keys.rs");
    // Hashes of BLAKE3 compare in constant time; arrays, slices and texts do not.
    assert!(keys.contains("use blake3::Hash;") && keys.contains("    hash: Hash,"));
    assert!(keys.contains("fn is(&self, shown: Hash,") && keys.contains("self.hash == shown"));
    // Each of the secrets is looked at, whichever is the right one.
    let body = |name: &str| {
        let rest = keys.split(&format!("fn {name}(")).nth(1);
        rest.and_then(|rest| rest.split("\n    }\n").next()).expect("whose key it is")
    };
    let judge = body("judge");
    assert!(judge.contains(".fold(false, |right, secret| right | secret.is("), "{judge}");
    assert!(!judge.contains(".any(") && !judge.contains("||"), "{judge}");
    // Nobody looks at a secret elsewhere, wherever the key was found.
    for name in ["who", "who_at_once"] {
        assert!(body(name).contains("Self::judge(&shown, "), "{name}");
    }
    assert_eq!(keys.matches(".is(shown.hash,").count(), 1, "one place compares");
}
