//! `klout attack`: what is measured, and bad arguments before anything is.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use klout_score_math::{Model, ModelInvalid};
use serde_json::Value;

fn attack(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_klout"))
        .arg("attack")
        .args(arguments)
        .output()
        .expect("the binary was built with the tests")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("klout prints UTF-8")
}

/// Fails at once, with a message that names the path.
#[track_caller]
fn refused(argument: &str, path: &Path, named: &Path) -> String {
    let output = attack(&[argument, path.to_str().expect("a temporary folder has an ASCII name")]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty(), "it printed something");
    assert_eq!(said.lines().count(), 1, "it worked before it failed: {said}");
    assert!(said.contains(&named.display().to_string()), "{said}");
    assert!(said.contains(argument), "it does not say what to do: {said}");
    said
}

#[test]
fn a_model_that_lets_fakes_in_is_told_as_json_and_ends_a_check_with_1() {
    // A hundred times the allowance for strangers.
    let file = Model::CURRENT_FILE
        .replacen(Model::current().name(), "klout-of-a-test", 1)
        .replacen("people = 0.08", "people = 8.0", 1);
    assert_ne!(file, Model::CURRENT_FILE);
    let file = match Model::load(&file) {
        Err(ModelInvalid::Checksum { right, found }) => file.replacen(&found, &right, 1),
        other => panic!("the checksum is that of other numbers: {other:?}"),
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("credulous.toml");
    fs::write(&path, file).expect("the folder is ours");
    let path = path.to_str().expect("a temporary folder has an ASCII name");

    let output =
        attack(&["--people", "1000", "--fakes", "20", "--model", path, "--json", "--check"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("are over their limits"), "{said}");
    let printed: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!(printed["people"], 1000);
    let line = |attack: &str| {
        let lines = printed["lines"].as_array().expect("lines").iter();
        let mut found = lines.filter(|it| it["attack"] == attack);
        found.next().unwrap_or_else(|| panic!("{attack} is missing"))
    };
    let star = line("star, typical");
    assert_eq!((&star["limits"]["most"], &star["over"]), (&5.0.into(), &true.into()), "{star}");
    // What is not defended anyhow is told, and nobody is held to it.
    let shared = line("rings that twenty buyers share and answer, worst start");
    let [told, within, over] = ["told", "within", "over"].map(|it| shared[it].as_bool());
    assert_eq!((told, within, over), (Some(true), Some(false), Some(false)), "{shared}");
}

#[test]
fn a_folder_of_data_that_is_missing_or_not_whole_is_refused_before_any_work() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("missing");
    refused("--data", &missing, &missing);

    let victims = folder.path().join("victims.csv");
    fs::write(&victims, "person\nann\n").expect("the folder is ours");
    let said = refused("--data", folder.path(), &victims);
    assert!(said.contains("account"), "{said}");
    fs::write(&victims, "account\n").expect("the folder is ours");
    refused("--data", folder.path(), &victims);

    fs::write(&victims, "account\nann\n").expect("the folder is ours");
    let interactions = folder.path().join("interactions.csv.gz");
    refused("--data", folder.path(), &interactions);
    fs::write(&interactions, "time,network,actor,subject,kind,count\n").expect("ours");
    // What somebody did is not who joined.
    let registered = folder.path().join("registered.csv.gz");
    fs::write(&registered, "time,network,actor,subject,kind,count\n").expect("ours");
    refused("--data", folder.path(), &registered);
}

#[test]
fn a_folder_that_cannot_be_drawn_into_is_refused_before_any_work() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let below = file.path().join("figures");
    refused("--plot", &below, &below);
}
