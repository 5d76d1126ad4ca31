//! A file of customers is looked up while the gateway is killed wherever that could do harm, and whoever asks for it too.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use klout_flows::{
    Installation,
    kill::{
        lookups::POINTS,
        standing::{arm, kill_there},
    },
};
use klout_testkit::Stores;

/// Members, each with an account.
const MEMBERS: usize = 30;

/// Rows of the file: a dozen steps of the look-up.
const ROWS: usize = 12_000;

/// Rows that are members, by their places from 0.
fn is_member(row: usize) -> bool {
    row.is_multiple_of(10)
}

/// Rows that cannot be read.
fn is_broken(row: usize) -> bool {
    row % 100 == 7
}

fn member(row: usize) -> usize {
    row / 10 % MEMBERS
}

fn interactions() -> String {
    let mut csv = "time,network,actor,subject,kind,count\n".to_owned();
    for member in 0..MEMBERS {
        let other = (member + 1) % MEMBERS;
        writeln!(csv, "2018-05-20T00:00:00Z,bluesky,a{other},a{member},like,1").expect("memory");
    }
    csv
}

fn customers() -> String {
    let mut csv = "key,network,native_id,email\n".to_owned();
    for row in 0..ROWS {
        let written = if is_broken(row) {
            writeln!(csv, "K{row},No Network,x,")
        } else if is_member(row) {
            writeln!(csv, "K{row},bluesky,a{},", member(row))
        } else {
            writeln!(csv, "K{row},,,{row}@example.net")
        };
        written.expect("memory");
    }
    csv
}

/// The rows of a file that was fetched: their keys, and the column behind.
fn keys(file: &Path) -> Vec<(String, String)> {
    let mut reader = csv::Reader::from_path(file).expect("a file");
    let rows = reader.records().map(|row| row.expect("a row"));
    rows.map(|row| (row[0].to_owned(), row[1].to_owned())).collect()
}

fn expected(is_in: impl Fn(usize) -> bool) -> Vec<String> {
    (0..ROWS).filter(|row| is_in(*row)).map(|row| format!("K{row}")).collect()
}

fn names(rows: &[(String, String)]) -> Vec<String> {
    rows.iter().map(|(key, _)| key.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_killed_anywhere_looks_each_row_up_once_and_shows_nobody_who_has_left() {
    let (points, folder) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut installation = Installation::with_failpoints(Stores::fresh().await, points.path());
    let (signals, file) = (folder.path().join("signals.csv"), folder.path().join("customers.csv"));
    fs::write(&signals, interactions()).expect("written");
    fs::write(&file, customers()).expect("written");
    installation.import(&signals);
    let key = installation.key_for("crm");
    let look_up = |installation: &Installation, out: &str, job: Option<&str>| -> Command {
        let mut command = installation.command_of(&["lookup"]);
        command.arg(&file).arg("--out").arg(folder.path().join(out)).env("KLOUT_KEY", &key);
        command.args(job.iter().flat_map(|job| ["--job", *job]));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };

    // Whoever asks goes on by itself while the part comes, and is killed while it is looked up.
    // They are met in this order.
    POINTS.iter().for_each(|point| arm(points.path(), point));
    let mut asking = look_up(&installation, "first", None).spawn().expect("it starts");
    let mut told = BufReader::new(asking.stderr.take().expect("a pipe")).lines();
    let first = told.next().expect("a line").expect("text");
    let job = first.rsplit_once("--job ").expect("it says how to go on").1.to_owned();
    for point in POINTS {
        kill_there(points.path(), &mut installation, point).await;
        if point == "gateway.rows.leased" {
            asking.kill().expect("it runs");
        }
    }
    asking.wait().expect("it has ended");
    let done = look_up(&installation, "second", Some(&job)).output().expect("it runs");
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{told}");

    let fetched = |out: &str, outcome: &str| {
        keys(&folder.path().join(out).join(format!("customers-{outcome}.csv")))
    };
    let results = fetched("second", "results");
    assert_eq!(names(&results), expected(is_member), "each once, in the order of the file");
    let unmatched = fetched("second", "unmatched");
    assert_eq!(names(&unmatched), expected(|row| !is_member(row) && !is_broken(row)));
    let failed = fetched("second", "failed");
    assert_eq!(names(&failed), expected(is_broken));
    assert!(failed.iter().all(|(_, reason)| reason == "NETWORK_INVALID"), "{failed:?}");
    let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(stdout.starts_with("12,000 rows: 1,200 found, 10,680 not, 120 failed"), "{stdout}");

    // Somebody leaves: what was found of them is shown to nobody, and is forgotten.
    let gone = installation.klout(&["person", "erase", "bluesky:id=a4"]);
    assert_eq!(gone.code, Some(0), "{gone:?}");
    let done = look_up(&installation, "third", Some(&job)).output().expect("it runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let is_gone = |row: usize| is_member(row) && member(row) == 4;
    let results = fetched("third", "results");
    assert_eq!(names(&results), expected(|row| is_member(row) && !is_gone(row)));
    let unmatched = fetched("third", "unmatched");
    let nobody = |row: usize| is_gone(row) || !is_member(row) && !is_broken(row);
    assert_eq!(names(&unmatched), expected(nobody));
}
