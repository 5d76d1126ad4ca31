//! `klout experts` over files.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use tempfile::TempDir;

const TOPICS: &str = r#"
[[topic]]
id = 1
slug = "nature"
names.en = "Nature"

[[topic]]
id = 2
slug = "gardening"
names.en = "Gardening"
parents = ["nature"]

[[topic]]
id = 3
slug = "asthma"
names.en = "Asthma"
sensitive = true
"#;

const COLUMNS: &str = "topic,slug,network,account,score,strength,rank,percentile,people,posts,\
                       written,reacted,said,influencers";

struct Folder(TempDir);

struct Answer {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Folder {
    /// With an ontology in it.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        fs::create_dir(folder.path("topics")).expect("a folder");
        folder.write("topics/topics.toml", TOPICS);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("the folder is ours");
    }

    fn experts(&self, signals: &[String], arguments: &[&str]) -> Answer {
        self.write("signals.jsonl", &signals.join("\n"));
        let output = Command::new(env!("CARGO_BIN_EXE_klout"))
            .current_dir(self.0.path())
            .args(["experts", "signals", "signals.jsonl", "--as-of", "2018-05-09T00:00:00Z"])
            .args(["--ontology", "topics", "--out", "-"])
            .args(arguments)
            .output()
            .expect("the binary was built with the tests");
        let text = |bytes| String::from_utf8(bytes).expect("klout prints UTF-8");
        let answer = Answer {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!answer.stderr.contains("panicked"), "{}", answer.stderr);
        answer
    }
}

impl Answer {
    /// By topic and account: the rank, the people and the posts.
    fn ranks(&self) -> BTreeMap<(&str, &str), [&str; 3]> {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        let mut lines = self.stdout.lines();
        assert_eq!(lines.next(), Some(COLUMNS));
        let cells = lines.map(|line| line.split(',').collect::<Vec<_>>());
        cells.map(|it| ((it[1], it[3]), [it[6], it[8], it[9]])).collect()
    }
}

fn signal(id: &str, day: u8, content: &str) -> String {
    format!(
        r#"{{"network":"bluesky","signalId":"{id}","time":"2018-05-0{day}T00:00:00Z",{content}}}"#
    )
}

fn post(account: &str, post: &str, day: u8, text: &str) -> String {
    let content = format!(
        r#""post":{{"account":{{"nativeId":"{account}"}},"post":"{post}","text":"{text}"}}"#
    );
    signal(&format!("post-{post}"), day, &content)
}

fn done(kind: &str, actor: &str, subject: &str, more: &str) -> String {
    let content = format!(
        r#""interaction":{{"actor":{{"nativeId":"{actor}"}},"subject":{{"nativeId":"{subject}"}},"kind":"{kind}",{more}}}"#
    );
    signal(&format!("{kind}-{actor}-{subject}-{}", more.replace('"', "")), 7, &content)
}

/// Ann is known for gardening, Bob for one post about nature, Cleo because three say so.
fn signals() -> Vec<String> {
    let mut signals = vec![
        post("ann", "1", 1, "Gardening in spring"),
        post("ann", "2", 2, "More gardening"),
        post("ann", "3", 3, "Gardening and asthma"),
        post("bob", "4", 1, "A hurricane! What nature does"),
    ];
    for actor in ["dan", "eve", "fay"] {
        for number in 1..=3 {
            signals.push(done("like", actor, "ann", &format!(r#""post":"{number}""#)));
        }
        signals.push(done("reshare", actor, "bob", r#""post":"4""#));
        signals.push(done("list", actor, "cleo", r#""label":"gardening""#));
    }
    signals
}

#[test]
fn experts_are_listed_by_topic_with_what_they_rest_on() {
    let answer = Folder::new().experts(&signals(), &[]);
    let ranks = answer.ranks();
    let expected = [
        (("gardening", "ann"), ["2", "3", "3"]),
        (("gardening", "cleo"), ["1", "3", "0"]),
        (("nature", "ann"), ["2", "3", "3"]),
        (("nature", "cleo"), ["1", "3", "0"]),
    ];
    assert_eq!(ranks, expected.into_iter().collect(), "{}", answer.stdout);
}

#[test]
fn who_is_not_shown_is_listed_when_asked_for_without_a_rank() {
    let answer = Folder::new().experts(&signals(), &["--all", "--topic", "nature"]);
    let ranks = answer.ranks();
    assert_eq!(ranks[&("nature", "bob")], ["", "3", "1"]);
    assert!(ranks.keys().all(|(topic, _)| *topic == "nature"), "{}", answer.stdout);
}

#[test]
fn the_order_of_signals_and_their_repetition_do_not_matter_to_the_byte() {
    let folder = Folder::new();
    let signals = signals();
    let mut reversed = [signals.clone(), signals.clone()].concat();
    reversed.reverse();
    let [one, other] =
        [&signals, &reversed].map(|signals| folder.experts(signals, &["--all"]).stdout);
    assert_eq!(one, other);
}

#[test]
fn without_members_among_them_reactions_make_nobody_an_expert() {
    let folder = Folder::new();
    folder.write("members.csv", "network,account\nbluesky,ann\nbluesky,bob\nbluesky,cleo\n");
    let answer = folder.experts(&signals(), &["--registered", "members.csv"]);
    assert!(answer.ranks().is_empty(), "{}", answer.stdout);
}

#[test]
fn what_was_taken_back_is_no_evidence() {
    let back = |id: &str, subject: &str| {
        let content =
            format!(r#""retraction":{{"subject":{{"nativeId":"{subject}"}},"ofSignalId":"{id}"}}"#);
        signal(&format!("back-{id}"), 8, &content)
    };
    let mut signals = signals();
    signals.insert(0, back("list-dan-cleo-label:gardening", "cleo"));
    let answer = Folder::new().experts(&signals, &[]);
    assert!(!answer.stdout.contains("cleo"), "{}", answer.stdout);
}

#[test]
fn a_line_that_cannot_be_read_is_counted_and_a_topic_that_is_not_there_is_told() {
    let folder = Folder::new();
    let mut signals = signals();
    signals.push("nonsense".to_owned());
    signals.push(post("ann", "9", 9, "gardening").replace("T00:", "T01:"));
    let answer = folder.experts(&signals, &[]);
    for reason in ["ROW_MALFORMED 1", "TIME_AFTER_AS_OF 1"] {
        assert!(answer.stderr.contains(reason), "{}", answer.stderr);
    }
    let answer = folder.experts(&signals, &["--topic", "lambs"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.stderr.contains("lambs: there is no such topic"), "{}", answer.stderr);
}
