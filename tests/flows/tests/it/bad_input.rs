//! Files that are not what they should be.

use std::{
    fs::{self, File},
    io::Write as _,
};

use flate2::{Compression, write::GzEncoder};
use klout_flows::{Installation, Output};

use crate::world::{Files, rows, text};

fn import(installation: &Installation, file: &str, rejected: &str) -> Output {
    installation.klout(&["import", "csv", file, "--register-all", "--rejected", rejected])
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named_and_what_was_read_is_kept() {
    let installation = Installation::of_one_process().await;
    let files = Files::new();
    let rejected = files.path("rejected.csv");
    let whole = fs::read(files.write("whole.csv", &rows())).expect("a file");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&whole).expect("packed");
    let gzip = gzip.finish().expect("packed");

    let cut = files.path("cut.csv.gz");
    fs::write(&cut, &gzip[..gzip.len() / 2]).expect("a file");
    let failed = import(&installation, text(&cut), text(&rejected));
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.stderr.contains("cut.csv.gz: could not be read on after line"), "{failed:?}");
    assert!(!failed.stderr.contains("accepted 0,"), "what came before is in: {failed:?}");

    for (name, content, problem) in [
        ("empty.csv", "", "is empty"),
        ("headless.csv", "2018-05-01T00:00:00Z,bluesky,a,b,like,1\n", "the first line"),
        ("columns.csv", "time,network,actor,subject,count\n", "the first line"),
        ("accounts.csv", "network,account\nbluesky,ann\n", "--registered"),
    ] {
        let file = files.path(name);
        fs::write(&file, content).expect("a file");
        let failed = import(&installation, text(&file), text(&rejected));
        assert_eq!(failed.code, Some(1), "{failed:?}");
        assert!(failed.stderr.contains(name) && failed.stderr.contains(problem), "{failed:?}");
    }
    let missing = import(&installation, "no-such-file.csv", text(&rejected));
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("no-such-file.csv"), "{missing:?}");
}

#[tokio::test]
async fn rows_of_every_bad_kind_are_left_out_with_their_reason_and_stop_nothing() {
    let installation = Installation::of_one_process().await;
    let files = Files::new();
    let (file, rejected) = (files.path("bad.csv"), files.path("rejected.csv"));
    let long = "n".repeat(300);
    let day = "2018-05-01T00:00:00Z";
    let bad: [(String, &str); 9] = [
        (format!("{day},bluesky,bob,ann,like,-1"), "COUNT_INVALID"),
        (format!("{day},bluesky,bob,ann,like,1.5"), "COUNT_INVALID"),
        (format!("{day},bluesky,bob,ann,adore,1"), "KIND_UNKNOWN"),
        (format!("{day},{long},bob,ann,like,1"), "NETWORK_INVALID"),
        (format!("{day},bluesky,bob,{long},like,1"), "ACCOUNT_INVALID"),
        ("yesterday,bluesky,bob,ann,like,1".to_owned(), "TIME_INVALID"),
        ("9999-12-31T23:59:59Z,bluesky,bob,ann,like,1".to_owned(), "TIME_AFTER_AS_OF"),
        ("1970-01-01T00:00:00Z,bluesky,bob,ann,like,1".to_owned(), "TIME_BEFORE_WINDOW"),
        (format!("{day},bluesky,bob"), "ROW_MALFORMED"),
    ];
    let mut out = File::create(&file).expect("a file");
    writeln!(out, "time,network,actor,subject,kind,count").expect("written");
    for (row, _) in &bad {
        writeln!(out, "{row}\n{day},bluesky,bob,ann,like,1").expect("written");
    }
    out.write_all(b"2018-05-01T00:00:00Z,bluesky,b\xffb,ann,like,1\n").expect("written");
    // A line of 100 MB, and a good one after it.
    out.write_all(&vec![b'x'; 100 << 20]).expect("written");
    writeln!(out, "\n{day},bluesky,eve,ann,like,1").expect("written");
    drop(out);

    let imported = import(&installation, text(&file), text(&rejected));

    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert!(imported.stderr.contains("accepted 10, repeated 0, rejected 11"), "{imported:?}");
    for (index, (_, reason)) in bad.iter().enumerate() {
        let told = format!("bad.csv:{}: {reason}", 2 + 2 * index);
        assert!(imported.stderr.contains(&told), "{told} is not in {imported:?}");
    }
    let kept = fs::read(&rejected).expect("rejected rows");
    assert_eq!(kept.split(|byte| *byte == b'\n').count(), 13, "a header, 11 rows, a last end");
}
