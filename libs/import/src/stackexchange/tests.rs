//! A dump of a handful of rows, whole and broken.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use klout_proto::signal::v1::{Signal, signal::Content};
use proptest::prelude::*;
use tempfile::TempDir;

use super::dumps;
use crate::{Found, Kept, LINE_BYTES_MAX, ReadError};

const USERS: &str = r#"  <row Id="-1" DisplayName="Community" />
  <row Id="1" DisplayName="Ann &amp; &#8364;" AboutMe="&lt;p&gt;" />
  <row Id="2" DisplayName="Bob" />
"#;

/// A question of Ann, an answer of Bob that she accepts, her own answer, a wiki.
const POSTS: &str = r#"  <row Id="11" PostTypeId="2" ParentId="10" CreationDate="2018-05-02T00:00:00.000" OwnerUserId="2" />
  <row Id="10" PostTypeId="1" CreationDate="2018-05-01T10:00:00.567" Title="Why &amp;amp; how?" Body="&lt;p&gt;Is &lt;a href=&quot;https://a.org/&quot;&gt;it&lt;/a&gt;?&lt;/p&gt;" OwnerUserId="1" Tags="&lt;a&gt;&lt;b-c&gt;" />
  <row Id="12" PostTypeId="2" ParentId="10" CreationDate="2018-05-02T00:00:00.000" OwnerUserId="1" />
  <row Id="13" PostTypeId="5" CreationDate="2018-05-02T00:00:00.000" OwnerUserId="1" />
  <row Id="14" PostTypeId="1" CreationDate="2018-05-02T00:00:00.000" OwnerUserId="-1" Tags="|d|" />
"#;

const COMMENTS: &str = r#"  <row Id="20" PostId="10" Text="why?" CreationDate="2018-05-01T11:00:00.000" UserId="2" />
  <row Id="21" PostId="10" Text="own" CreationDate="2018-05-01T11:00:00.000" UserId="1" />
  <row Id="22" PostId="10" Text="gone" CreationDate="2018-05-01T11:00:00.000" UserDisplayName="x" />
  <row Id="23" PostId="99" Text="lost" CreationDate="2018-05-01T11:00:00.000" UserId="2" />
"#;

const VOTES: &str = r#"  <row Id="30" PostId="11" VoteTypeId="2" CreationDate="2018-05-03T00:00:00.000" />
  <row Id="31" PostId="11" VoteTypeId="1" CreationDate="2018-05-03T00:00:00.000" />
  <row Id="32" PostId="11" VoteTypeId="3" CreationDate="2018-05-03T00:00:00.000" />
  <row Id="33" PostId="12" VoteTypeId="1" CreationDate="2018-05-03T00:00:00.000" />
"#;

const ALL: [(&str, &str); 4] =
    [("users", USERS), ("posts", POSTS), ("comments", COMMENTS), ("votes", VOTES)];

fn xml(root: &str, rows: &str) -> String {
    format!("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<{root}>\n{rows}</{root}>")
}

fn file_name(root: &str) -> String {
    format!("{}{}.xml", root[..1].to_uppercase(), &root[1..])
}

/// A whole dump in a folder of that name.
struct Folder {
    _place: TempDir,
    path: PathBuf,
}

impl Folder {
    fn new(name: &str) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join(name);
        fs::create_dir(&path).expect("a folder");
        let folder = Self { _place: place, path };
        for (root, rows) in ALL {
            folder.write(&file_name(root), xml(root, rows));
        }
        folder
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path.join(name), content).expect("a file");
    }

    fn read(&self) -> Read {
        read(&[&self.path], None)
    }

    /// Why a file with this content instead cannot be read.
    fn refused(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        self.write(name, content);
        let error = self.read().error.expect("refused").to_string();
        assert!(error.contains(name), "{error}");
        error
    }
}

#[derive(Debug, Default)]
struct Read {
    signals: Vec<Signal>,
    /// The ends of file names, and lines.
    rejected: Vec<(String, u64)>,
    no_reaction: u64,
    error: Option<ReadError>,
}

fn read(paths: &[&Path], site: Option<&str>) -> Read {
    let mut read = Read::default();
    let paths: Vec<PathBuf> = paths.iter().map(|path| (*path).to_owned()).collect();
    read.error = fill(&mut read, &paths, site).err();
    read
}

fn fill(read: &mut Read, paths: &[PathBuf], site: Option<&str>) -> Result<(), ReadError> {
    for reader in dumps(paths, site)?.into_iter().flat_map(super::Dump::readers) {
        let mut reader = reader?;
        while let Some(entry) = reader.next_entry()? {
            match entry.found {
                Found::Signal(signal) => read.signals.push(*signal),
                Found::Rejected { .. } => {
                    assert!(matches!(entry.kept, Kept::Row(_)));
                    let name = reader.name().rsplit('/').next().unwrap_or_default().to_owned();
                    read.rejected.push((name, entry.line));
                }
                Found::NoReaction => read.no_reaction += 1,
                Found::Noted => {}
            }
        }
    }
    Ok(())
}

/// A signal in one line.
fn told(signal: &Signal) -> String {
    let id = &signal.signal_id;
    match signal.content.as_ref().expect("a content") {
        Content::Interaction(it) => {
            let actor = it.actor.as_ref().map_or("", |it| &it.native_id);
            let subject = &it.subject.as_ref().expect("a subject").native_id;
            let post = it.post.as_deref().unwrap_or_default();
            format!("{id}: {actor} {} {subject} {post}", it.kind)
        }
        Content::Post(it) => {
            let owner = &it.account.as_ref().expect("an owner").native_id;
            format!("{id}: {owner} posts {} {}", it.post, it.tags.join(","))
        }
        Content::Counter(_) | Content::Retraction(_) => panic!("a dump has none"),
    }
}

fn meaning(read: &Read) -> Vec<String> {
    assert!(read.error.is_none() && read.rejected.is_empty(), "{read:?}");
    read.signals.iter().map(told).collect()
}

const MEANING: [&str; 7] = [
    "post/11: q/2 posts q/11 a,b-c",
    "answer/11: q/2 reply q/1 q/10",
    "post/10: q/1 posts q/10 a,b-c",
    "post/12: q/1 posts q/12 a,b-c",
    "comment/20: q/2 comment q/1 q/10",
    "vote/30:  like q/2 q/11",
    "accept/31: q/1 accept q/2 q/11",
];

fn expected() -> Vec<String> {
    MEANING.map(str::to_owned).to_vec()
}

#[test]
fn rows_have_their_meaning_whatever_their_order() {
    let read = Folder::new("stackexchange-q").read();
    assert_eq!(meaning(&read), expected());
    // A wiki, the community's question; own, anonymous and lost comments; a down-vote, an own accept.
    assert_eq!(read.no_reaction, 7);
    let Some(Content::Post(post)) = &read.signals[2].content else { panic!("a post") };
    let handle = post.account.as_ref().and_then(|it| it.handle.as_deref());
    assert_eq!(handle, Some("Ann & \u{20ac}"));
    assert_eq!(post.text.as_deref(), Some("Why &amp; how?\nIs it?"), "a title is no HTML");
    assert_eq!(post.links, ["https://a.org/"]);
    let time = read.signals[2].time.expect("a time");
    assert_eq!((time.seconds, time.nanos), (1_525_168_800, 567_000_000));
}

#[test]
fn the_site_is_what_is_said_or_what_the_folder_is_called() {
    let folder = Folder::new("maths");
    assert!(told(&folder.read().signals[0]).contains("maths/2 posts maths/11"));
    let read = read(&[&folder.path], Some("q"));
    assert_eq!(meaning(&read), expected());
}

#[test]
fn files_may_be_named_alone_in_any_order_and_lie_anywhere() {
    let (one, other) = (Folder::new("one"), Folder::new("other"));
    let [users, posts, comments, votes] = ALL.map(|(root, _)| file_name(root));
    let paths = [
        one.path.join(votes),
        other.path.join(comments),
        one.path.join(posts),
        other.path.join(users),
    ];
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    assert_eq!(meaning(&read(&paths, Some("q"))), expected());
    let error = read(&paths, None).error.expect("two dumps, each of them half").to_string();
    assert!(error.contains("no file of users"), "{error}");
}

#[test]
fn gzip_crlf_and_a_missing_mark_are_nothing_special() {
    let folder = Folder::new("q");
    for (root, rows) in ALL {
        let text = xml(root, rows).replace('\n', "\r\n") + "\r\n\r\n";
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.trim_start_matches('\u{feff}').as_bytes()).expect("memory");
        fs::remove_file(folder.path.join(file_name(root))).expect("removed");
        folder.write(&format!("{}.gz", file_name(root)), gzip.finish().expect("memory"));
    }
    assert_eq!(meaning(&folder.read()), expected());
}

#[test]
fn other_files_of_a_dump_are_left_alone() {
    let folder = Folder::new("q");
    folder.write("Badges.xml", xml("badges", "not rows"));
    let badges = folder.path.join("Badges.xml");
    assert_eq!(meaning(&folder.read()), expected());
    let files = ALL.map(|(root, _)| folder.path.join(file_name(root)));
    let mut paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    paths.insert(0, &badges);
    assert_eq!(meaning(&read(&paths, None)), expected());
}

#[test]
fn an_archive_is_the_dump_that_it_is_called_after() {
    let folder = Folder::new("unpacked");
    let archive = folder.path.join("stackexchange-q.7z");
    let mut writer = sevenz_rust2::ArchiveWriter::create(&archive).expect("an archive");
    // Comments before what they are about, and something else.
    for (root, rows) in ALL.into_iter().rev().chain([("badges", "x")]) {
        let entry = sevenz_rust2::ArchiveEntry::new_file(&format!("q/{}", file_name(root)));
        let text = xml(root, rows);
        writer.push_archive_entry(entry, Some(text.as_bytes())).expect("packed");
    }
    writer.finish().expect("packed");
    assert_eq!(meaning(&read(&[&archive], None)), expected());

    let whole = fs::read(&archive).expect("a file");
    fs::write(&archive, &whole[..whole.len() / 2]).expect("a file");
    let error = read(&[&archive], None).error.expect("it is cut").to_string();
    assert!(error.contains("stackexchange-q.7z") && error.contains("cut off"), "{error}");
}

#[test]
fn a_folder_without_the_files_says_what_is_missing() {
    let folder = Folder::new("q");
    fs::remove_file(folder.path.join("Posts.xml")).expect("removed");
    let error = folder.read().error.expect("refused").to_string();
    assert!(error.contains("no file of posts"), "{error}");
    let empty = tempfile::tempdir().expect("a folder");
    let error = read(&[empty.path()], None).error.expect("refused").to_string();
    assert!(error.contains("Users.xml and Posts.xml"), "{error}");
    folder.write("posts.xml", xml("posts", POSTS));
    folder.write("Posts.xml.gz", xml("posts", POSTS));
    let error = folder.read().error.expect("refused").to_string();
    assert!(error.contains("a second file of posts"), "{error}");
}

#[test]
fn a_file_that_is_not_what_it_is_called_is_refused() {
    let folder = Folder::new("q");
    let swapped = folder.refused("Users.xml", xml("votes", VOTES));
    assert!(swapped.contains("holds votes, and not users"), "{swapped}");
    let votes = folder.path.join("Users.xml");
    let named = read(&[&votes], None).error.expect("refused").to_string();
    assert!(named.contains("holds votes, and not users"), "{named}");
}

#[test]
fn what_is_no_xml_of_ours_is_refused() {
    let bomb =
        "<?xml version=\"1.0\"?>\n<!DOCTYPE users [<!ENTITY a \"aaaa\">]>\n<users>\n</users>";
    let utf_16: Vec<u8> = xml("users", "").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin_1 = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<users>\n</users>";
    for (content, problem) in [
        (bomb.as_bytes(), "document type"),
        (&utf_16, "UTF-16"),
        (&utf_16[2..], "not UTF-8"),
        (latin_1.as_bytes(), "ISO-8859-1"),
        (b"", "is empty"),
        (b"time,network,actor,subject,kind,count\n", "is not XML of rows"),
        (b"<users><row Id=\"1\"/>\n</users>", "on the line of its root element"),
        (&[b'x'; 2 * LINE_BYTES_MAX], "no root element"),
    ] {
        let error = Folder::new("q").refused("Users.xml", content);
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn a_cut_file_says_so_after_what_was_read() {
    let folder = Folder::new("q");
    let posts = xml("posts", POSTS);
    folder.write("Posts.xml", &posts[..posts.len() - 20]);
    let read = folder.read();
    let error = read.error.as_ref().expect("it is cut").to_string();
    assert!(error.contains("Posts.xml: ends after line 7 without its </posts>"), "{error}");
    assert_eq!(read.signals.len(), 4, "{read:?}");
    assert_eq!(read.rejected, [("Posts.xml".to_owned(), 7)]);

    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(xml("comments", &COMMENTS.repeat(9_000)).as_bytes()).expect("memory");
    let gzip = gzip.finish().expect("memory");
    let folder = Folder::new("q");
    fs::remove_file(folder.path.join("Comments.xml")).expect("removed");
    folder.write("Comments.xml.gz", &gzip[..gzip.len() / 2]);
    let read = folder.read();
    let error = read.error.as_ref().expect("it is cut").to_string();
    assert!(error.contains("Comments.xml.gz: could not be read on after line"), "{error}");
    assert!(read.signals.len() > 1_000);
}

#[test]
fn posts_that_cannot_be_read_on_are_told_before_anything_rests_on_them() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(xml("posts", POSTS).as_bytes()).expect("memory");
    let whole = gzip.finish().expect("memory");
    let folder = Folder::new("q");
    fs::remove_file(folder.path.join("Posts.xml")).expect("removed");
    // The end holds a checksum, so that all rows are read before it is noticed.
    let mut broken = whole.clone();
    *broken.get_mut(whole.len() - 6).expect("a checksum") ^= 1;
    folder.write("Posts.xml.gz", broken);
    let read = folder.read();
    assert!(read.error.is_some() && read.signals.is_empty(), "{read:?}");

    folder.write("Posts.xml.gz", &whole[..whole.len() - 6]);
    let read = folder.read();
    let error = read.error.as_ref().expect("it is cut").to_string();
    assert!(error.contains("Posts.xml.gz: could not be read on") && read.signals.len() == 4);
}

#[test]
fn a_row_that_cannot_be_read_is_left_out_alone() {
    let long = format!("<row Id=\"1\" Text=\"{}\" />", "x".repeat(3 * LINE_BYTES_MAX));
    let deep = "<row>".repeat(100_000);
    let attributes: String = (0..100_000).map(|it| format!(" a{it}=\"\"")).collect();
    let attributes = format!("<row{attributes} />");
    let latin_1 = b"<row Id=\"1\" PostId=\"10\" UserId=\"2\" CreationDate=\"2018-05-01T11:00:00\" Text=\"caf\xe9\" />";
    let good = |id: &str| {
        format!(
            "<row Id=\"{id}\" PostId=\"10\" UserId=\"2\" CreationDate=\"2018-05-01T11:00:00\" />"
        )
    };
    let rows: [&[u8]; 12] = [
        long.as_bytes(),
        deep.as_bytes(),
        attributes.as_bytes(),
        latin_1,
        good("&bomb;").as_bytes(),
        &good("1").replace("T11", "T25").into_bytes(),
        good("one").as_bytes(),
        good("99999999999").as_bytes(),
        good("1\" Id=\"2").as_bytes(),
        b"<row Id=\"1\"",
        b"<row Id=\"1\" /><row Id=\"2\" />",
        b"no row at all",
    ]
    .map(|row| Box::leak(row.to_vec().into_boxed_slice()) as &[u8]);
    let mut text = b"<comments>\n".to_vec();
    for row in rows {
        text.extend(row);
        text.extend(b"\n");
        text.extend(good("5").as_bytes());
        text.extend(b"\n");
    }
    text.extend(b"</comments>\ntrailing\n");
    let folder = Folder::new("q");
    folder.write("Comments.xml", text);
    let read = folder.read();
    assert!(read.error.is_none(), "{:?}", read.error);
    let lines: Vec<u64> = read.rejected.iter().map(|(_, line)| *line).collect();
    let expected: Vec<u64> = (0..12).map(|it| 2 + 2 * it).chain([27]).collect();
    assert_eq!(lines, expected);
    assert_eq!(read.signals.len(), 4 + 12 + 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_order_of_rows_changes_what_they_mean(seed in any::<u64>()) {
        let folder = Folder::new("q");
        for (root, rows) in ALL {
            let mut rows: Vec<&str> = rows.lines().collect();
            rows.sort_by_key(|row| blake3::hash(format!("{seed}{row}").as_bytes()).to_hex());
            folder.write(&file_name(root), xml(root, &format!("{}\n", rows.join("\n"))));
        }
        let (mut found, mut expected) = (meaning(&folder.read()), expected());
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_rows_make_it_panic_or_stop(
        rows in prop::collection::vec(
            r#"<row( (Id|PostId|UserId|VoteTypeId|CreationDate|Text)="(-?[0-9]{1,11}|2018-05-0[0-9]T00:00:00|&(amp|a|#[0-9]{1,9});)"){0,5}( /|)>"#,
            0..20,
        ),
    ) {
        let folder = Folder::new("q");
        let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
        for root in ["comments", "votes"] {
            folder.write(&file_name(root), xml(root, &rows));
        }
        let read = folder.read();
        prop_assert!(read.error.is_none(), "{:?}", read.error);
    }
}
