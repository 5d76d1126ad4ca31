//! All evidence made again from the log.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStderr, Stdio},
};

use klout_flows::{Installation, Output};

use crate::world::{Files, rows, text};

/// Imports reactions, some of them twice, and takes some back.
fn import(installation: &Installation, files: &Files) {
    let rows = rows();
    installation.import(&files.write("all.csv", &rows));
    installation.import(&files.write("again.csv", &rows[300..400]));
    let taken_back: Vec<String> = (0..rows.len())
        .step_by(50)
        .map(|row| {
            // The subject stands in the fourth column.
            let subject = rows[row].split(',').nth(3).expect("a subject");
            format!(
                r#"{{"network":"bluesky","signalId":"back{row}","time":"2018-05-30T08:00:00Z","retraction":{{"subject":{{"nativeId":"{subject}"}},"ofSignalId":"s{row}"}}}}"#
            )
        })
        .collect();
    let before = installation.ranking();
    let file = files.path("back.jsonl");
    fs::write(&file, taken_back.join("\n")).expect("a file");
    let sent = installation.klout(&["import", "signals", text(&file)]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert_ne!(installation.ranking(), before, "something was taken back");
}

fn rebuild(installation: &Installation) -> std::process::Command {
    installation.command_of(&["rebuild"])
}

fn done(installation: &Installation) -> Output {
    let output = installation.klout(&["rebuild"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    output
}

/// Starts it, and waits until it has said something. What it says besides goes on to the second of these.
fn until_it_says(installation: &Installation, what: &str) -> (Child, BufReader<ChildStderr>) {
    let mut child = rebuild(installation).stderr(Stdio::piped()).spawn().expect("started");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let said = stderr.by_ref().lines().map_while(Result::ok).any(|line| line.contains(what));
    assert!(said, "it says {what:?}");
    (child, stderr)
}

#[tokio::test]
async fn scores_made_again_from_the_log_are_the_same() {
    let files = Files::new();
    let installation = Installation::of_one_process().await;
    import(&installation, &files);
    let before = installation.ranking();

    let output = done(&installation);

    assert_eq!(installation.ranking(), before);
    assert!(output.stderr.contains("all scores can be read"), "{output:?}");
}

#[tokio::test]
async fn a_rebuild_that_is_killed_anywhere_can_be_run_again() {
    let files = Files::new();
    let installation = Installation::of_one_process().await;
    import(&installation, &files);
    let before = installation.ranking();

    for moment in ["evidence is forgotten", "delivered once more", "evidence is whole again"] {
        let (mut child, _) = until_it_says(&installation, moment);
        child.kill().expect("killed");
        child.wait().expect("it has ended");
        // Somebody reads meanwhile.
        assert_eq!(installation.ranking().len(), before.len());
    }
    done(&installation);

    assert_eq!(installation.ranking(), before);
}

#[tokio::test]
async fn a_scoring_that_dies_during_a_rebuild_comes_back_and_it_ends_well() {
    let files = Files::new();
    let mut installation = Installation::of_six_processes().await;
    import(&installation, &files);
    let before = installation.ranking();

    let (mut child, mut stderr) = until_it_says(&installation, "delivered once more");
    installation.kill("scoring");
    installation.start("scoring");

    let mut rest = String::new();
    stderr.read_to_string(&mut rest).expect("it says the rest");
    assert!(child.wait().expect("it has ended").success(), "{rest}");
    assert_eq!(installation.ranking(), before);
}

#[tokio::test]
async fn whoever_is_no_operator_cannot_rebuild() {
    let installation = Installation::of_one_process().await;
    let refused = installation.klout(&["rebuild", "--key", &installation.key_for("look-ups")]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("no such method"), "{refused:?}");
}
