//! `klout rank` over files: invariant 1, and bad input.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use tempfile::TempDir;

const AS_OF: &str = "2024-03-02T00:00:00Z";
const HEADER: &str = "time,network,actor,subject,kind,count,id";
const GOOD: &str = "2024-03-01T00:00:00Z,bluesky,bob,ann,like,1,";

/// A folder with files of rows, and what `klout rank` said of them.
struct World(TempDir);

struct Answer {
    code: Option<i32>,
    scores: String,
    stderr: String,
}

impl World {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("the folder is ours");
        path
    }

    fn rows(&self, name: &str, rows: &[impl AsRef<str>]) -> PathBuf {
        let rows: Vec<_> = rows.iter().map(AsRef::as_ref).collect();
        self.write(name, format!("{HEADER}\n{}\n", rows.join("\n")))
    }

    fn rank(&self, files: &[impl AsRef<Path>], more: &[&str]) -> Answer {
        let out = self.path("scores.csv");
        let _ = fs::remove_file(&out);
        let output = Command::new(env!("CARGO_BIN_EXE_klout"))
            .arg("rank")
            .args(files.iter().map(AsRef::as_ref))
            .args(["--as-of", AS_OF, "--out"])
            .arg(&out)
            .args(more)
            .output()
            .expect("the binary was built with the tests");
        let stderr = String::from_utf8(output.stderr).expect("klout prints UTF-8");
        assert!(!stderr.contains("panicked"), "{stderr}");
        Answer {
            code: output.status.code(),
            scores: fs::read_to_string(&out).unwrap_or_default(),
            stderr,
        }
    }

    /// The scores of these rows in one file.
    fn scores(&self, rows: &[impl AsRef<str>]) -> String {
        let answer = self.rank(&[self.rows("rows.csv", rows)], &[]);
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        answer.scores
    }
}

impl Answer {
    /// Each account's line.
    fn line(&self, account: &str) -> Option<&str> {
        self.scores.lines().find(|line| line.split(',').nth(1) == Some(account))
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

fn any_row(identified: bool) -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec!["like", "reshare", "reply", "plus_k", "adore"]);
    (0..6, 0..6, kind, 1..29, 0..30, any::<u64>()).prop_map(
        move |(actor, subject, kind, day, count, id)| {
            let actor = if actor == 0 { String::new() } else { format!("account{actor}") };
            let id = if identified { id.to_string() } else { String::new() };
            format!(
                "2024-02-{day:02}T00:00:00Z,bluesky,{actor},account{subject},{kind},{count},{id}"
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn order_split_and_threads_do_not_change_a_byte(
        (rows, shuffled) in prop::collection::vec(any_row(false), 1..60)
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        part in 0.0..1.0_f64,
    ) {
        let world = World::new();
        let one = world.rank(&[world.rows("all.csv", &rows)], &["--threads", "1"]);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a part of a small length")]
        let (left, right) = shuffled.split_at((shuffled.len() as f64 * part) as usize);
        let right = gzip(&format!("{HEADER}\r\n{}\r\n", right.join("\r\n")));
        let files = [world.rows("left.csv", left), world.write("right", right)];
        let two = world.rank(&files, &["--threads", "3"]);

        prop_assert_eq!(one.code, Some(0));
        prop_assert_eq!(one.scores, two.scores);
        prop_assert_eq!(one.stderr, two.stderr, "rows are left out alike");
    }

    #[test]
    fn rows_with_ids_may_be_repeated(
        (rows, repeated) in prop::collection::vec(any_row(true), 1..40)
            .prop_flat_map(|rows| (Just(rows.clone()), Just([rows.clone(), rows].concat()).prop_shuffle())),
    ) {
        let world = World::new();
        prop_assert_eq!(world.scores(&rows), world.scores(&repeated));
    }
}

#[test]
fn rows_without_ids_count_each() {
    let world = World::new();
    // Old enough that one is not a whole person yet.
    let old = "2024-02-01T00:00:00Z,bluesky,bob,ann,like,1,";
    assert_ne!(world.scores(&[old]), world.scores(&[old, old]));
}

#[test]
fn a_row_that_is_left_out_changes_nothing_and_is_counted_by_its_reason() {
    let world = World::new();
    let bad = [
        ("yesterday,bluesky,bob,ann,like,1,", "TIME_INVALID 1"),
        ("9999-01-01T00:00:00Z,bluesky,bob,ann,like,1,", "TIME_AFTER_AS_OF 1"),
        ("2020-01-01T00:00:00Z,bluesky,bob,eve,like,1,", "TIME_BEFORE_WINDOW 1"),
        (&format!("2024-03-01T00:00:00Z,{},bob,ann,like,1,", "n".repeat(300)), "NETWORK_INVALID 1"),
        ("2024-03-01T00:00:00Z,bluesky,bob,,like,1,", "ACCOUNT_INVALID 1"),
        ("2024-03-01T00:00:00Z,bluesky,bob,ann,adore,1,", "KIND_UNKNOWN 1"),
        ("2024-03-01T00:00:00Z,bluesky,bob,ann,like,-1,", "COUNT_INVALID 2"),
        ("2024-03-01T00:00:00Z,bluesky,bob,ann,like,0.5,", "COUNT_INVALID 2"),
        ("2024-03-01T00:00:00Z,bluesky,bob,ann", "ROW_MALFORMED 1"),
    ];
    let rows: Vec<_> = bad.iter().map(|(row, _)| *row).chain([GOOD]).collect();
    let answer = world.rank(&[world.rows("bad.csv", &rows)], &[]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    for (row, line) in bad {
        assert!(answer.stderr.lines().any(|it| it == line), "{row}: {}", answer.stderr);
    }
    assert_eq!(answer.scores, world.scores(&[GOOD]));
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_nothing_is_written() {
    let world = World::new();
    let whole = gzip(&format!("{HEADER}\n{}", format!("{GOOD}\n").repeat(1000)));
    let files = [
        world.path("missing.csv"),
        world.write("empty.csv", ""),
        world.write("header.csv", "when,who\n"),
        world.write("binary.csv", b"\xff\xfe\x00"),
        world.write("cut.csv.gz", &whole[..whole.len() / 2]),
    ];
    for file in files {
        let answer = world.rank(&[&file], &[]);
        let name = file.file_name().expect("a name").to_string_lossy();
        assert_eq!(answer.code, Some(1), "{name}: {}", answer.stderr);
        assert!(answer.stderr.contains(&*name), "{name}: {}", answer.stderr);
        assert_eq!(answer.scores, "");
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_left_out_alone() {
    let world = World::new();
    let path = world.rows("long.csv", &[GOOD]);
    let mut file = fs::OpenOptions::new().append(true).open(&path).expect("it was written");
    let mut line = io::repeat(b'x').take(100 * 1024 * 1024);
    io::copy(&mut line, &mut file).expect("the disk has room");
    writeln!(file, "\n{GOOD}").expect("the disk has room");
    let answer = world.rank(&[path], &[]);
    assert!(answer.stderr.contains("ROW_MALFORMED 1\n"), "{}", answer.stderr);
    assert_eq!(answer.scores, world.scores(&[GOOD, GOOD]));
}

#[test]
fn the_registered_are_listed_and_without_evidence_have_the_least_score() {
    let world = World::new();
    let registered = world.write("registered.csv", "network,account\nbluesky,zoe\nbluesky,ann\n");
    let file = world.rows("rows.csv", &[GOOD]);
    let answer = world.rank(&[&file], &["--registered", &text(&registered)]);
    assert_eq!(answer.line("zoe"), Some("bluesky,zoe,1,0,0,0,0,25,0"));
    assert!(answer.line("ann").is_some() && answer.line("bob").is_none(), "{}", answer.scores);
    assert!(!answer.stderr.contains("fakes"));

    let all = world.rank(&[&file], &[]);
    assert!(all.line("bob").is_some() && all.stderr.contains("nothing resists fakes"));

    let swapped = world.rank(&[&file], &["--registered", &text(&file)]);
    assert_eq!(swapped.code, Some(1), "{}", swapped.stderr);
}

#[test]
fn counters_and_posts_are_evidence() {
    let world = World::new();
    let counters = "time,network,account,counter,value,post\n\
        2024-03-01T00:00:00Z,bluesky,ann,follower_count,1e3,\n\
        2024-03-01T00:00:00Z,bluesky,bob,likes_received,7,p1\n";
    let posts = "time,network,account,post\n2024-03-01T00:00:00Z,bluesky,cid,p2\n";
    fs::create_dir(world.path("folder")).expect("the folder is ours");
    world.write("folder/counters.csv", counters);
    world.write("folder/posts.csv", posts);
    world.write("folder/notes.txt", "not ours");
    let answer = world.rank(&[world.path("folder")], &[]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    let score = |account| answer.line(account).and_then(|line| line.split(',').nth(2));
    assert!(score("ann").is_some_and(|it| it != "1"), "{}", answer.scores);
    assert_eq!((score("bob"), score("cid")), (Some("1"), Some("1")), "{}", answer.scores);
}

#[test]
fn stdin_and_stdout_are_files_too() {
    let world = World::new();
    let expected = world.scores(&[GOOD]);
    let mut klout = Command::new(env!("CARGO_BIN_EXE_klout"))
        .args(["rank", "-", "--as-of", AS_OF, "--out", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary was built with the tests");
    let mut stdin = klout.stdin.take().expect("piped");
    writeln!(stdin, "{HEADER}\n{GOOD}").expect("klout reads");
    drop(stdin);
    let mut found = String::new();
    let mut stdout = klout.stdout.take().expect("piped");
    stdout.read_to_string(&mut found).expect("klout prints UTF-8");
    assert!(klout.wait().expect("it ends").success());
    assert_eq!(found, expected);
}

fn text(path: &Path) -> String {
    path.to_str().expect("a temporary folder has a plain name").to_owned()
}
