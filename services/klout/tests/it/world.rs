//! `klout world`: files that the rest of the command line reads.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const NAMES: [&str; 5] =
    ["accounts.csv", "counters.csv.gz", "interactions.csv.gz", "posts.csv.gz", "registered.csv"];

fn klout(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_klout"))
        .args(arguments)
        .output()
        .expect("the binary was built with the tests")
}

fn world(folder: &Path, more: &[&str]) -> Output {
    let folder = folder.to_str().expect("a temporary folder has an ASCII name");
    klout(&[&["world", "--people", "300", "--seed", "7", "--out", folder], more].concat())
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("klout prints UTF-8")
}

#[test]
fn the_files_of_a_world_are_ranked_without_a_store_and_no_row_is_left_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = world(folder.path(), &[]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let path = |name: &str| folder.path().join(name).display().to_string();

    let ranked = klout(&[
        "rank",
        &path("interactions.csv.gz"),
        &path("counters.csv.gz"),
        &path("posts.csv.gz"),
        "--registered",
        &path("registered.csv"),
        "--as-of",
        "2026-10-31T23:59:59.999Z",
        "--interval",
        "--out",
        "-",
    ]);
    let said = stderr(&ranked);
    assert_eq!(ranked.status.code(), Some(0), "{said}");
    assert_eq!(
        said.lines().count(),
        1,
        "reasons of rows that are left out have a line each: {said}"
    );
    let scores = String::from_utf8(ranked.stdout).expect("klout prints UTF-8");
    let header = scores.lines().next().expect("a header");
    assert!(header.ends_with(",confidence,low,high"), "{header}");
    let within = |line: &str| {
        let number = |place| line.split(',').nth(place).and_then(|it| it.parse().ok());
        let [Some(score), Some(low), Some(high)] = [2, 9, 10].map(number) else { return false };
        let (score, low, high): (f64, f64, f64) = (score, low, high);
        low <= score && score <= high
    };
    assert!(scores.lines().skip(1).all(within), "a score lies within its interval");
    assert!(scores.lines().count() > 200, "most people of a small world are members or were seen");
}

#[test]
fn the_truth_names_every_account_and_who_joined_is_registered() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    world(folder.path(), &[]);
    let read = |name| fs::read_to_string(folder.path().join(name)).expect("it was written");
    let (accounts, registered) = (read("accounts.csv"), read("registered.csv"));
    let header = "network,account,person,joined,nature,attack,bought,influence";
    assert_eq!(accounts.lines().next(), Some(header));
    let mut joined = vec!["network,account"];
    for line in accounts.lines().skip(1) {
        let fields: Vec<_> = line.split(',').collect();
        let [network, account, _, is_joined, nature, _, _, influence] = fields[..] else {
            panic!("{line}")
        };
        assert_eq!(nature == "person", !influence.is_empty(), "{line}");
        if is_joined == "true" {
            joined.push(&line[..network.len() + 1 + account.len()]);
        }
    }
    assert_eq!(registered.lines().collect::<Vec<_>>(), joined);
    for kind in [",fake,star,", ",star,", ",pod,"] {
        assert!(accounts.contains(kind), "{kind}");
    }
}

#[test]
fn the_same_arguments_give_the_same_files_over_an_earlier_world_only_when_forced() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bytes = || NAMES.map(|name| fs::read(folder.path().join(name)).expect("it was written"));
    world(folder.path(), &[]);
    let first = bytes();
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .expect("it was made")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, NAMES, "nothing else is left behind");

    let refused = world(folder.path(), &["--no-attacks"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("--force"), "{}", stderr(&refused));
    assert!(bytes() == first, "what is refused writes nothing");

    assert_eq!(world(folder.path(), &["--no-attacks", "--force"]).status.code(), Some(0));
    assert!(bytes() != first);
    assert_eq!(world(folder.path(), &["--force"]).status.code(), Some(0));
    assert!(bytes() == first);
}

#[test]
fn what_an_interrupted_run_left_behind_is_passed_over_and_goes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let left_behind = folder.path().join(".klout-world-Ab12Cd");
    fs::write(&left_behind, "half a file").expect("a file");
    let made = world(folder.path(), &[]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    assert!(!left_behind.exists());
}

#[test]
fn a_run_that_fails_leaves_the_earlier_world_as_it_was() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    world(folder.path(), &[]);
    let file = |name| folder.path().join(name);
    let kept = ["accounts.csv", "counters.csv.gz", "posts.csv.gz"].map(file);
    let bytes = || kept.each_ref().map(|path| fs::read(path).expect("it was written"));
    let first = bytes();
    // Nothing can be renamed over a folder, and this is the first that would be.
    fs::remove_file(file("registered.csv")).expect("it was written");
    fs::create_dir(file("registered.csv")).expect("there is room");

    let failed = world(folder.path(), &["--no-attacks", "--force"]);
    let said = stderr(&failed);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("name another folder with --out"), "{said}");
    assert!(bytes() == first);
    let names = fs::read_dir(folder.path()).expect("it was made").count();
    assert_eq!(names, NAMES.len(), "nothing half done is left");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let refused = world(Path::new("/dev/null/world"), &[]);
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("/dev/null/world") && said.contains("--out"), "{said}");
    assert!(!said.contains("room"), "{said}");
}

#[test]
fn arguments_of_world_that_cannot_be_are_usage() {
    for wrong in
        [&["--people", "199"][..], &["--last-day", "yesterday"], &["--last-day", "1969-07-20"]]
    {
        let arguments = [&["world", "--seed", "1", "--out", "/dev/null/world"], wrong].concat();
        let people: &[&str] = if wrong[0] == "--people" { &[] } else { &["--people", "300"] };
        let output = klout(&[&arguments[..], people].concat());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", stderr(&output));
    }
}
