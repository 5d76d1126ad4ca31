//! How the command line answers before it does anything.

use std::process::Command;

fn klout(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_klout"))
        .args(arguments)
        .output()
        .expect("the binary was built with the tests");
    let text = |bytes| String::from_utf8(bytes).expect("klout prints UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn no_command_and_an_unknown_one_are_usage() {
    let (code, stdout, stderr) = klout(&[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("Usage: klout"), "{stderr}");
    assert_eq!(klout(&["no-such-command"]).0, Some(2));
}

#[test]
fn help_names_what_there_is() {
    let (code, stdout, _) = klout(&["--help"]);
    assert_eq!(code, Some(0));
    let commands = [
        "up",
        "serve",
        "import",
        "networks",
        "connect",
        "connections",
        "rank",
        "world",
        "score",
        "history",
        "explain",
        "simulate",
        "export",
        "rescore",
        "model",
        "keys",
        "doctor",
        "attack",
        "contest",
        "finding",
        "rebuild",
        "moments",
        "watch",
        "lookup",
        "lookups",
        "tag",
        "topic",
        "person",
        "experts",
        "influencers",
        "influencees",
        "mutuals",
        "plus-k",
        "campaign",
        "grant",
        "property",
        "check-in",
        "pass",
        "perks",
    ];
    for command in commands {
        let listed = stdout.lines().any(|line| line.trim_start().starts_with(command));
        assert!(listed, "{command} is missing in {stdout}");
    }
    assert!(!stdout.contains("keep-stores"), "what only klout itself calls is not shown");
}

#[test]
fn arguments_of_rank_that_cannot_be_are_usage() {
    let rank =
        |arguments: &[&str]| klout(&[&["rank", "a.csv", "--out", "b.csv"], arguments].concat());
    let as_of = ["--as-of", "2018-06-01T00:00:00Z"];
    assert_eq!(rank(&[]).0, Some(2), "no time");
    for wrong in [
        &["--as-of", "yesterday"][..],
        &[&as_of[..], &["--model", "klout-1999-01"]].concat(),
        &[&as_of[..], &["--threads", "0"]].concat(),
        &[&as_of[..], &["--model", "klout-2026-11", "--interval"]].concat(),
    ] {
        let (code, _, stderr) = rank(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {stderr}");
    }
}

#[test]
fn what_can_be_done_with_plus_k_is_in_the_help() {
    let (code, stdout, _) = klout(&["plus-k", "--help"]);
    assert_eq!(code, Some(0));
    let commands = [
        "give",
        "take-back",
        "budget",
        "given",
        "received",
        "suggestions",
        "thank",
        "propose",
        "answer",
        "proposals",
        "block",
        "unblock",
        "blocked",
    ];
    for command in commands {
        let listed = stdout.lines().any(|line| line.trim_start().starts_with(command));
        assert!(listed, "{command} is missing in {stdout}");
        let (code, help, _) = klout(&["plus-k", command, "--help"]);
        assert_eq!(code, Some(0));
        assert!(help.contains("Example"), "{command} teaches nothing: {help}");
    }
    assert_eq!(klout(&["plus-k", "give", "bluesky:ann"]).0, Some(2), "to whom, and on what");
}

#[test]
fn what_a_model_goes_through_is_in_the_help() {
    let (code, stdout, _) = klout(&["model", "--help"]);
    assert_eq!(code, Some(0));
    for command in ["list", "shadow", "announce", "withdraw", "compare"] {
        let listed = stdout.lines().any(|line| line.trim_start().starts_with(command));
        assert!(listed, "{command} is missing in {stdout}");
    }
}

#[test]
fn what_can_be_done_for_people_is_in_the_help() {
    let (code, stdout, _) = klout(&["person", "--help"]);
    assert_eq!(code, Some(0));
    for command in [
        "create",
        "show",
        "update",
        "resolve",
        "link",
        "complete-link",
        "unlink",
        "merge",
        "handles",
        "contacts",
        "disputes",
        "settle",
    ] {
        let listed = stdout.lines().any(|line| line.trim_start().starts_with(command));
        assert!(listed, "{command} is missing in {stdout}");
        let (code, help, _) = klout(&["person", command, "--help"]);
        assert_eq!(code, Some(0));
        assert!(help.contains(&format!("klout person {command}")), "{command} has no example");
    }
    for wrong in [
        &["person", "create", "bluesky:ann"][..],
        &["person", "create", "7"],
        &["person", "show"],
        &["person", "link", "1", "bluesky:ann"],
        &["person", "link", "1", "bluesky:id=ann", "--challenge", "--rel-me"],
        &["person", "merge", "1"],
        &["person", "contacts", "1", "--loyalty", "123"],
        &["person", "settle", "seven", "1"],
    ] {
        let (code, _, stderr) = klout(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {stderr}");
    }
}

#[test]
fn times_that_cannot_be_are_usage() {
    for wrong in [
        &["model", "announce", "own"][..],
        &["model", "announce", "own", "--at", "tomorrow"],
        &["history", "1", "--since", "last week"],
        &["history", "1", "--since", "2026-11-02", "--until", "2026-11-02"],
        &["history", "1", "--table", "--json"],
        &["history", "1", "--since", "2026-11-02", "--until", "2026-11-02T12:00:00Z"],
        &["score", "1", "--at", "2026-11"],
        &["score", "1", "--model", "klout-2027-01"],
        &["contest", "open", "1"],
        &["watch"],
        &["moments", "1", "--top", "0"],
    ] {
        let (code, _, stderr) = klout(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {stderr}");
    }
    let (_, _, stderr) = klout(&["explain", "1", "--since", "yesterday"]);
    assert!(stderr.contains("--since"), "{stderr}");
}

#[test]
fn events_that_cannot_be_are_usage() {
    let simulate = |event: &str| klout(&["simulate", "bluesky:ann", "--event", event]);
    for wrong in [
        "",
        "like",
        "like:bluesky",
        "like:bluesky:0",
        "like:bluesky:1000001",
        "adore:bluesky:1",
        "like:No Network:1",
        "like:bluesky:1:nobody",
        "like:bluesky:1:member:too",
    ] {
        let (code, _, stderr) = simulate(wrong);
        assert_eq!(code, Some(2), "{wrong}: {stderr}");
    }
    assert_eq!(klout(&["simulate", "bluesky:ann"]).0, Some(2), "nothing happens");
    assert_eq!(klout(&["explain", "bluesky:ann", "--since", "yesterday"]).0, Some(2));
}

#[test]
fn a_key_for_what_no_score_may_decide_is_refused_with_the_reason() {
    for command in ["create", "token"] {
        let make = |purpose: &str| klout(&["keys", command, "desk", "--purpose", purpose]);
        for purpose in
            ["hiring", "Pre-employment screening", "creditScoring", "tenant checks", "internal"]
        {
            let (code, stdout, stderr) = make(purpose);
            assert_eq!((code, stdout.as_str()), (Some(2), ""), "{purpose}: {stderr}");
        }
        let (_, _, stderr) = make("hiring");
        assert!(stderr.contains("hiring") && stderr.contains("docs/purposes.md"), "{stderr}");
    }
}

#[test]
fn what_can_be_done_with_keys_is_in_the_help() {
    let (code, stdout, _) = klout(&["keys", "--help"]);
    assert_eq!(code, Some(0));
    for command in ["create", "list", "update", "rotate", "revoke", "token"] {
        let listed = stdout.lines().any(|line| line.trim_start().starts_with(command));
        assert!(listed, "{command} is missing in {stdout}");
        let (code, help, _) = klout(&["keys", command, "--help"]);
        assert_eq!(code, Some(0), "{command}");
        assert!(help.contains(&format!("klout keys {command}")), "{command} has no example");
    }
    let id = "0123456789abcdef01234567";
    for wrong in [
        &["keys", "create", "crm"][..],
        &["keys", "create", "crm", "--purpose", "operator"],
        &["keys", "create", "crm", "--purpose", "crm", "--scope", "everything"],
        &["keys", "create", "crm", "--purpose", "crm", "--calls-per-second", "-1"],
        &[
            "keys",
            "create",
            "crm",
            "--purpose",
            "crm",
            "--days",
            "1",
            "--expires",
            "2030-01-01T00:00:00Z",
        ],
        &["keys", "update", id],
        &["keys", "update", "crm", "--days", "1"],
        &["keys", "rotate", id, "--overlap-hours", "2161"],
        &["keys", "revoke", &format!("klout_{id}_{}", "0".repeat(64))],
    ] {
        let (code, stdout, stderr) = klout(wrong);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{wrong:?}: {stderr}");
    }
}

#[test]
fn who_looked_is_asked_of_one_person() {
    assert_eq!(klout(&["lookups"]).0, Some(2), "nobody is named");
    assert_eq!(klout(&["lookups", "bluesky:ann", "--top", "0"]).0, Some(2));
    let (code, stdout, _) = klout(&["lookups", "--help"]);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("and why") && stdout.contains("Examples:"), "{stdout}");
}

#[test]
fn what_people_decide_is_in_the_help() {
    let (code, stdout, _) = klout(&["person", "--help"]);
    assert_eq!(code, Some(0));
    for command in ["consent", "opt-out", "opt-in", "erase", "receipt", "export"] {
        let listed = stdout.lines().any(|line| line.trim_start().starts_with(command));
        assert!(listed, "{command} is missing in {stdout}");
    }
    for wrong in [
        &["person", "erase"][..],
        &["person", "receipt"],
        &["suppressions"],
        &["suppressions", "replay"],
        &["import", "deletion-list", "hashes.txt", "--kind", "fax"],
    ] {
        let (code, _, stderr) = klout(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {stderr}");
    }
}

#[test]
fn what_can_be_done_with_grants_is_in_the_help() {
    let (code, stdout, _) = klout(&["grant", "--help"]);
    assert_eq!(code, Some(0));
    for command in ["reserve", "confirm", "release", "reverse", "list", "decisions", "replay"] {
        let listed = stdout.lines().any(|line| line.trim_start().starts_with(command));
        assert!(listed, "{command} is missing in {stdout}");
        let (code, help, _) = klout(&["grant", command, "--help"]);
        assert_eq!(code, Some(0), "{command}");
        assert!(help.contains(&format!("klout grant {command}")), "{command} has no example");
    }
    for wrong in [
        &["grant", "reserve", "1", "2"][..],
        &["grant", "reserve", "1", "ann", "--request-id", "a"],
        &["grant", "confirm", "1"],
        &["grant", "reverse", "1", "2", "--why"],
        &["grant", "list"],
        &["grant", "list", "--campaign", "1", "--person", "2"],
        &["grant", "list", "--campaign", "1", "--status", "given"],
        &["grant", "decisions", "1", "--top", "0"],
        &["grant", "replay", "1"],
    ] {
        let (code, stdout, _) = klout(wrong);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{wrong:?}");
    }
}

#[test]
fn what_can_be_done_with_campaigns_is_in_the_help() {
    let (code, stdout, _) = klout(&["campaign", "--help"]);
    assert_eq!(code, Some(0));
    let commands = [
        "check", "preview", "create", "update", "show", "list", "activate", "pause", "end",
        "codes", "report",
    ];
    for command in commands {
        let listed = stdout.lines().any(|line| line.trim_start().starts_with(command));
        assert!(listed, "{command} is missing in {stdout}");
        let (code, help, _) = klout(&["campaign", command, "--help"]);
        assert_eq!(code, Some(0));
        assert!(help.contains(&format!("campaign {command}")), "{command} has no example");
        assert!(help.contains("Example"), "{command} teaches nothing: {help}");
    }
    for wrong in [
        &["campaign", "create"][..],
        &["campaign", "update", "1"],
        &["campaign", "update", "1", "a.json", "--version", "0"],
        &["campaign", "list", "--state", "finished"],
        &["campaign", "list", "--top", "0"],
        &["campaign", "show", "1", "--spec", "--json"],
        &["campaign", "codes", "1"],
    ] {
        let (code, _, stderr) = klout(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {stderr}");
    }
}

#[test]
fn what_a_desk_can_do_is_in_the_help() {
    let all = [
        ("property", &["create", "update", "show", "list"][..]),
        ("check-in", &["decide", "mark", "arrivals"]),
        ("pass", &["issue", "verify", "keys"]),
    ];
    for (noun, verbs) in all {
        let (code, stdout, _) = klout(&[noun, "--help"]);
        assert_eq!(code, Some(0));
        for verb in verbs {
            let listed = stdout.lines().any(|line| line.trim_start().starts_with(verb));
            assert!(listed, "{verb} is missing in {stdout}");
            let (code, help, _) = klout(&[noun, verb, "--help"]);
            assert_eq!(code, Some(0));
            assert!(help.contains(&format!("klout {noun} {verb}")), "{noun} {verb}: {help}");
            assert!(help.contains("Example"), "{noun} {verb} teaches nothing: {help}");
        }
    }
    for wrong in [
        &["property", "create"][..],
        &["property", "create", "palms", "--category", "=a suite"],
        &["property", "list", "--top", "0"],
        &["check-in", "decide", "palms"],
        &["check-in", "decide", "palms", "S-1", "--upgrade", "SUITE=many"],
        &["check-in", "decide", "palms", "S-1", "--deadline-ms", "10"],
        &["check-in", "decide", "palms", "S-1", "--account", "ann"],
        &["check-in", "decide", "palms", "S-1", "--loyalty", "7"],
        &["check-in", "mark", "palms", "tomorrow", "a.jsonl"],
        &["check-in", "arrivals", "palms"],
        &["pass", "issue", "bluesky"],
        &["pass", "issue", "7", "--seconds", "601"],
        &["pass", "verify"],
    ] {
        let (code, _, stderr) = klout(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {stderr}");
    }
}

#[test]
fn what_somebody_can_have_is_in_the_help() {
    let (code, stdout, _) = klout(&["perks", "--help"]);
    assert!(code == Some(0) && stdout.contains("klout perks of"), "{stdout}");
    let (code, help, _) = klout(&["perks", "of", "--help"]);
    assert_eq!(code, Some(0));
    assert!(help.contains("klout perks of") && help.contains("docs/perk-facts.md"), "{help}");
    for wrong in [
        &["perks", "of"][..],
        &["perks", "of", "ann"],
        &["perks", "of", "1", "--top", "0"],
        &["perks", "of", "1", "--campaign"],
    ] {
        let (code, stdout, _) = klout(wrong);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{wrong:?}");
    }
}

#[test]
fn a_campaign_is_checked_without_a_server() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/example/perks");
    for example in ["lounge", "upgrade", "preview"] {
        let file = format!("{folder}/{example}.json");
        let (code, stdout, stderr) = klout(&["campaign", "check", &file]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{example}");
        assert!(stdout.contains("fine"), "{stdout}");
    }
    let (code, stdout, stderr) = klout(&["campaign", "check", "no-such-file.json"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("no-such-file.json"), "{stderr}");
}

#[test]
fn a_rule_that_is_wrong_is_marked() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wrong.toml");
    let spec = "brand = 'a'\ntitle = 'b'\nbenefit.kind = 'GIFT'\n[[rules]]\nrule = 'score'\nexpression = 'score >= 40.0 &&'\n";
    std::fs::write(&file, spec).expect("written");

    let (code, stdout, stderr) = klout(&["campaign", "check", file.to_str().expect("UTF-8")]);

    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("RULE_INVALID") && stderr.contains("score >= 40.0 &&"), "{stderr}");
    assert!(stderr.lines().any(|line| line.trim() == "^"), "{stderr}");
}
