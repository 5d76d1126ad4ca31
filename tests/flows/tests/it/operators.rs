//! What operators do from the command line.

use klout_flows::{Installation, Output};

use crate::world::{Files, rows, text};

struct Desk {
    installation: Installation,
}

impl Desk {
    async fn open() -> Self {
        Self { installation: Installation::of_one_process().await }
    }

    fn klout(&self, arguments: &[&str]) -> Output {
        self.installation.klout(arguments)
    }
}

#[tokio::test]
async fn a_finding_is_recorded_listed_and_reversed() {
    let (files, desk) = (Files::new(), Desk::open().await);
    desk.installation.import(&files.write("all.csv", &rows()[..100]));

    let recorded = desk.klout(&[
        "finding",
        "record",
        "bluesky:id=a7",
        "--person",
        "bluesky:a0",
        "--reason",
        "one of many on one machine",
    ]);
    assert_eq!(recorded.code, Some(0), "{recorded:?}");
    assert!(recorded.stdout.contains("stands"), "{recorded:?}");
    let listed = desk.klout(&["finding", "list"]);
    assert_eq!(listed.stdout, recorded.stdout);
    assert!(!listed.stdout.contains("a7"), "the id of the account is not kept: {listed:?}");

    let reversed = desk.klout(&["finding", "reverse", "1"]);
    assert!(reversed.stdout.contains("reversed"), "{reversed:?}");
    assert_eq!(desk.klout(&["finding", "list"]).stdout, reversed.stdout);

    let by_handle = desk.klout(&["finding", "record", "bluesky:a7", "--reason", "no"]);
    assert_eq!(by_handle.code, Some(2), "a handle may be somebody else's tomorrow: {by_handle:?}");
}

#[tokio::test]
async fn cases_are_for_operators_and_one_that_is_not_there_is_told() {
    let desk = Desk::open().await;
    let listed = desk.klout(&["contest", "list", "--open"]);
    assert_eq!((listed.code, listed.stdout.as_str()), (Some(0), ""), "{listed:?}");
    let answered = desk.klout(&["contest", "answer", "99", "--text", "sorry"]);
    assert_eq!(answered.code, Some(1));
    assert!(answered.stderr.contains("there is no case 99"), "{answered:?}");

    let key = desk.installation.key_for("look-ups");
    for command in [&["contest", "list"][..], &["finding", "list"], &["rescore"]] {
        let refused = desk.klout(&[command, &["--key", &key]].concat());
        assert_eq!(refused.code, Some(1), "{refused:?}");
    }

    // Signals are taken all the same, from whoever does not wait for the pass.
    let files = Files::new();
    let file = files.write("all.csv", &rows()[..100]);
    let sent = desk.klout(&["import", "csv", text(&file), "--no-wait", "--key", &key]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
}
