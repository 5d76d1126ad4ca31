//! Files in the formats of others, from a dump to names in the ranking.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use flate2::{Compression, write::GzEncoder};
use klout_flows::{Installation, Output};
use klout_testkit::until;
use serde_json::{Value, json};

use crate::world::{Files, text};

/// Runs an import that succeeds.
fn import(installation: &Installation, arguments: &[&str]) -> Output {
    let output = installation.klout(&[&["import"], arguments].concat());
    assert_eq!(output.code, Some(0), "{output:?}");
    output
}

fn assert_totals(output: &Output, totals: &str) {
    assert!(output.stderr.contains(&format!("klout: {totals}\n")), "{totals}: {output:?}");
}

fn gzip(path: &Path, content: &str) {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(content.as_bytes()).expect("packed");
    fs::write(path, gzip.finish().expect("packed")).expect("a file");
}

fn like(id: u32, time: &str) -> Value {
    json!({
        "network": "bluesky", "signalId": id.to_string(), "time": time,
        "interaction": {
            "actor": {"nativeId": format!("did:{}", id % 7)},
            "subject": {"nativeId": "did:ann", "handle": "ann.example"},
            "kind": "like",
        },
    })
}

#[tokio::test]
async fn signals_go_in_once_and_what_is_left_out_can_be_mended() {
    let installation = Installation::of_one_process().await;
    let files = Files::new();
    let (whole, rejected) = (files.path("signals.jsonl.gz"), files.path("rejected.jsonl"));
    let mut lines: Vec<_> =
        (0..1_500).map(|id| like(id, "2018-05-01T00:00:00Z").to_string()).collect();
    let late = like(9_999, "2018-07-01T00:00:00Z").to_string();
    // Whatever it says, it does not clear anybody's screen.
    let bad = format!("{{\"\u{1b}[2J{}\":1}}", "x".repeat(1_000));
    lines.extend([late.clone(), bad.clone()]);
    gzip(&whole, &lines.join("\n"));

    let arguments = ["signals", text(&whole), "--register-all", "--rejected", text(&rejected)];
    let first = import(&installation, &arguments);
    let left_out = "rejected 2 (ROW_MALFORMED 1, TIME_AFTER_AS_OF 1)";
    assert_totals(&first, &format!("accepted 1500, repeated 0, {left_out}, new people 8"));
    let told = first.stderr.lines().find(|it| it.contains("signals.jsonl.gz:1502: ROW_MALFORMED"));
    let told = told.unwrap_or_else(|| panic!("{first:?}"));
    assert!(!told.contains('\u{1b}') && told.len() < 600, "{told:?}");
    assert_eq!(fs::read_to_string(&rejected).expect("a file"), format!("{late}\n{bad}\n"));
    assert!(installation.ranking().contains_key("bluesky:ann.example"));

    let again = import(&installation, &arguments);
    assert_totals(&again, &format!("accepted 0, repeated 1500, {left_out}, new people 0"));
    let over = ["import", "signals", text(&rejected), text(&whole), "--rejected", text(&rejected)];
    let refused = installation.klout(&over);
    assert!(refused.code == Some(2) && refused.stderr.contains("--rejected"), "{refused:?}");
    assert_eq!(fs::read_to_string(&rejected).expect("a file"), format!("{late}\n{bad}\n"));
    let mended = late.replace("2018-07", "2018-05");
    fs::write(&rejected, format!("{mended}\n")).expect("a file");
    let mended = import(&installation, &["signals", text(&rejected), "--register-all"]);
    assert_totals(&mended, "accepted 1, repeated 0, rejected 0, new people 0");
}

const TABLES: [(&str, &str); 4] = [
    (
        "users",
        r#"<row Id="1" DisplayName="Ann Example" />
<row Id="2" DisplayName="Bob" />
<row Id="3" DisplayName="Bob" />"#,
    ),
    (
        "posts",
        r#"<row Id="11" PostTypeId="2" ParentId="10" CreationDate="2018-05-02T00:00:00.000" OwnerUserId="1" />
<row Id="10" PostTypeId="1" CreationDate="2018-05-01T10:00:00.567" OwnerUserId="2" Tags="&lt;a&gt;" />
<row Id="12" PostTypeId="2" ParentId="10" CreationDate="2017-05-02T00:00:00.000" OwnerUserId="1" />"#,
    ),
    (
        "comments",
        r#"<row Id="20" PostId="11" CreationDate="2018-05-03T11:00:00.000" UserId="3" />
<row Id="21" PostId="11" CreationDate="2018-05-03T11:00:00.000" UserId="1" />
<row Id="22" PostId="&bomb;" CreationDate="2018-05-03T11:00:00.000" UserId="1" />"#,
    ),
    (
        "votes",
        r#"<row Id="30" PostId="11" VoteTypeId="2" CreationDate="2018-05-03T00:00:00.000" />
<row Id="31" PostId="11" VoteTypeId="1" CreationDate="2018-05-03T00:00:00.000" />
<row Id="32" PostId="11" VoteTypeId="3" CreationDate="2018-05-03T00:00:00.000" />"#,
    ),
];

#[tokio::test]
async fn a_dump_of_stack_exchange_becomes_people_with_names() {
    let installation = Installation::of_one_process().await;
    let files = Files::new();
    let (dump, rejected) = (files.path("stackexchange-q"), files.path("rejected.jsonl"));
    fs::create_dir(&dump).expect("a folder");
    for (table, rows) in TABLES {
        let name = format!("{}{}.xml", table[..1].to_uppercase(), &table[1..]);
        fs::write(dump.join(name), format!("<{table}>\n{rows}\n</{table}>\n")).expect("a file");
    }

    let arguments = ["stackexchange", text(&dump), "--register-all", "--rejected", text(&rejected)];
    let first = import(&installation, &arguments);
    // The old answer is a post and a reply, and neither is of the last 90 days.
    let left_out = "rejected 3 (ROW_MALFORMED 1, TIME_BEFORE_WINDOW 2), no reaction 2";
    assert_totals(&first, &format!("accepted 6, repeated 0, {left_out}, new people 3"));
    let kept = fs::read_to_string(&rejected).expect("signals");
    assert!(kept.contains("answer/12") && kept.contains("post/12"), "{kept}");
    let beside = fs::read_to_string(files.path("rejected.2.jsonl.xml")).expect("rows");
    assert!(beside.starts_with("<row Id=\"22\""), "{beside}");

    let ranking = installation.ranking();
    assert!(ranking.contains_key("stackexchange:Ann Example"), "{ranking:?}");
    let (status, _) = installation.get("/v1/accounts/stackexchange/Ann%20Example/score").await;
    assert_eq!(status, 200);
    let (status, _) = installation.get("/v1/accounts/stackexchange/Bob/score").await;
    assert_eq!(status, 409, "two people are called that");
    let by_id = installation.klout(&["score", "stackexchange:id=q/2"]);
    assert_eq!(by_id.code, Some(0), "{by_id:?}");

    let again = import(&installation, &arguments);
    assert_totals(&again, &format!("accepted 0, repeated 6, {left_out}, new people 0"));
    let refused = import(&installation, &["signals", text(&rejected), "--register-all"]);
    let left_out = "rejected 2 (TIME_BEFORE_WINDOW 2)";
    assert_totals(&refused, &format!("accepted 0, repeated 0, {left_out}, new people 0"));
    assert_eq!(installation.ranking(), ranking);

    fs::remove_file(dump.join("Users.xml")).expect("removed");
    fs::copy(dump.join("Votes.xml"), dump.join("Users.xml")).expect("copied");
    let swapped = installation.klout(&["import", "stackexchange", text(&dump)]);
    assert_eq!(swapped.code, Some(1));
    assert!(swapped.stderr.contains("holds votes, and not users"), "{swapped:?}");
}

#[tokio::test]
async fn those_who_are_listed_join_with_their_names_and_nobody_else_does() {
    let installation = Installation::of_one_process().await;
    let files = Files::new();
    let (file, members) = (files.path("signals.jsonl"), files.path("members.csv"));
    fs::write(&file, like(1, "2018-05-01T00:00:00Z").to_string()).expect("a file");
    fs::write(&members, "network,account\nbluesky,did:ann\nbluesky,did:eve\n").expect("a file");

    let arguments = ["signals", text(&file), "--registered", text(&members)];
    let first = import(&installation, &arguments);
    assert_totals(&first, "accepted 1, repeated 0, rejected 0, new people 2");
    let again = import(&installation, &arguments);
    assert_totals(&again, "accepted 0, repeated 1, rejected 0, new people 0");
    for (account, code) in [("ann.example", 0), ("id=did:eve", 0), ("id=did:1", 1)] {
        let score = installation.klout(&["score", &format!("bluesky:{account}")]);
        assert_eq!(score.code, Some(code), "{score:?}");
    }
}

#[tokio::test]
async fn a_list_of_members_says_where_they_live_and_rows_what_they_are_called() {
    let installation = Installation::of_one_process().await;
    let files = Files::new();
    let (file, members) = (files.path("lists.csv"), files.path("members.csv"));
    let row =
        |id: u8, label: &str| format!("2018-05-01T00:00:00Z,bluesky,bob,ann,list,1,{id},{label}");
    let rows = [row(1, "\"bread, and bakers\""), row(2, ""), row(3, &"x".repeat(257))];
    let header = "time,network,actor,subject,kind,count,id,label";
    fs::write(&file, format!("{header}\n{}\n", rows.join("\n"))).expect("a file");
    let list = |place: &str| {
        format!(
            "network,account,country,city\nbluesky,ann,{place}\nbluesky,bob,,\nbluesky,eve,XX,\n"
        )
    };
    let living = async || {
        let (_, score) = installation.get("/v1/accounts/bluesky/ann/score").await;
        let person = score["person"].as_str().expect("a person").to_owned();
        installation.get(&format!("/v1/people/{person}")).await.1
    };
    let (rejected, arguments) =
        (files.path("rejected.csv"), ["csv", text(&file), "--registered", text(&members)]);
    let arguments = [&arguments[..], &["--rejected", text(&rejected)]].concat();

    fs::write(&members, list("de,Bremen")).expect("a file");
    let first = import(&installation, &arguments);
    assert_totals(&first, "accepted 2, repeated 0, rejected 1 (ROW_MALFORMED 1), new people 2");
    assert!(first.stderr.contains("members.csv:4: ROW_MALFORMED"), "{first:?}");
    let ann = living().await;
    assert_eq!((&ann["country"], &ann["city"]), (&json!("DE"), &json!("Bremen")));

    fs::remove_file(&rejected).expect("it is there");
    for (place, country, city) in
        [("FR,Lyon", "FR", "Lyon"), (",", "FR", "Lyon"), ("FR,", "FR", "")]
    {
        fs::write(&members, list(place)).expect("a file");
        import(&installation, &[&arguments[..4], &["--no-wait"]].concat());
        let ann = living().await;
        assert_eq!((&ann["country"], &ann["city"]), (&json!(country), &json!(city)), "{place}");
    }
}

#[tokio::test]
async fn hours_of_gh_archive_go_in_from_a_folder_of_any_shape() {
    let installation = Installation::of_one_process().await;
    let files = Files::new();
    let (hours, rejected) = (files.path("hours"), files.path("rejected.json"));
    fs::create_dir(&hours).expect("a folder");
    let event = |id: u32, kind: &str, actor: &str| {
        json!({
            "id": id.to_string(), "type": kind, "actor": {"login": actor}, "repo": {"name": "ann/x"},
            "payload": {"action": "started"}, "created_at": "2018-05-01T10:00:00Z",
        })
        .to_string()
    };
    let full = [
        event(1, "WatchEvent", "bob"),
        event(2, "PushEvent", "bob"),
        event(3, "ForkEvent", "ann"),
        event(4, "PullRequestEvent", "cid"),
    ];
    gzip(&hours.join("2018-05-01-10.json.gz"), &full.join("\n"));
    let old = r#"{"id":"5","dt":"2018-05-01T11:00:00Z","repo":"ann/x","type":"issue","actor":"dee"}
{"id":"6","dt":"2008-05-01T11:00:00Z","repo":"ann/x","type":"watch","actor":"dee"}
"#;
    fs::write(hours.join("2018-05-01-11.json"), old).expect("a file");

    let arguments = ["gharchive", text(&hours), "--register-all", "--rejected", text(&rejected)];
    let left_out = "rejected 1 (TIME_BEFORE_WINDOW 1), no reaction 2";
    let first = import(&installation, &arguments);
    assert_totals(&first, &format!("accepted 3, repeated 0, {left_out}, new people 4"));
    let kept = fs::read_to_string(&rejected).expect("a file");
    assert_eq!(Some(kept.trim_end()), old.lines().last());
    let again = import(&installation, &arguments);
    assert_totals(&again, &format!("accepted 0, repeated 3, {left_out}, new people 0"));
    assert!(installation.ranking().contains_key("github:ann"));
    let empty = files.path("empty");
    fs::create_dir(&empty).expect("a folder");
    let nothing = installation.klout(&["import", "gharchive", text(&empty)]);
    assert!(nothing.stderr.contains("has no .json or .json.gz file in it"), "{nothing:?}");
}

#[tokio::test]
async fn an_import_that_is_killed_and_started_again_ends_at_the_same_totals() {
    let files = Files::new();
    let file = files.path("signals.jsonl");
    let lines: Vec<_> =
        (0..30_000).map(|id| like(id, "2018-05-01T00:00:00Z").to_string()).collect();
    fs::write(&file, lines.join("\n")).expect("a file");
    let calm = Installation::of_one_process().await;
    import(&calm, &["signals", text(&file), "--register-all"]);

    let shaken = Installation::of_one_process().await;
    // Reads from a pipe that gives it half of the file and then nothing, and is killed over that.
    let mut command = shaken.command_of(&["import", "signals", "-", "--register-all"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(lines[..15_500].join("\n").as_bytes()).expect("it reads");
    // Who is named has joined when the first chunk is durable.
    until("something has arrived", async || {
        shaken.get("/v1/accounts/bluesky/ann.example/score").await.0 != 404
    })
    .await;
    child.kill().expect("killed");
    child.wait().expect("it ends");

    let again = import(&shaken, &["signals", text(&file), "--register-all"]);
    let count = |word: &str| -> u64 {
        let (_, rest) = again.stderr.split_once(&format!("{word} ")).expect("totals");
        let end = rest.find(|it: char| !it.is_ascii_digit()).expect("more");
        rest[..end].parse().expect("a number")
    };
    let (accepted, repeated) = (count("accepted"), count("repeated"));
    assert_eq!(accepted + repeated, 30_000, "{again:?}");
    assert!(0 < repeated && repeated < 30_000, "{again:?}");
    assert_eq!(shaken.ranking(), calm.ranking());
}

/// `klout` says what it takes and what it makes of it.
#[test]
fn help_explains_each_format() {
    for (format, word) in [
        ("signals", "signalId"),
        ("csv", "time,network,actor"),
        ("stackexchange", "--site"),
        ("gharchive", "A star is a like"),
    ] {
        let help = Command::new(klout_flows::binary()).args(["import", format, "--help"]).output();
        let help = String::from_utf8(help.expect("it runs").stdout).expect("UTF-8");
        assert!(help.contains(word) && help.contains("--rejected"), "{help}");
    }
}
