//! `klout tag` over files.

use std::{fs, path::PathBuf, process::Command};

use tempfile::TempDir;

const TOPICS: &str = r#"
[[topic]]
id = 1
slug = "technology"
names.en = "Technology"

[[topic]]
id = 2
slug = "machine-learning"
names.en = "Machine Learning"
parents = ["technology"]
aliases.en = ["neural networks"]

[[topic]]
id = 3
slug = "health"
names.en = "Health"
sensitive = true
aliases.en = ["asthma"]
"#;

const POSTS: &str = "\
time,network,account,post,text
2018-05-01T00:00:00Z,bluesky,ann,1,My Neural Networks are learning
2018-05-01T00:00:00Z,bluesky,ann,2,asthma again
2018-05-01T00:00:00Z,bluesky,ann,3,good morning
yesterday,bluesky,ann,4,neural networks
";

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

    fn tag(&self, arguments: &[&str]) -> Answer {
        let output = Command::new(env!("CARGO_BIN_EXE_klout"))
            .current_dir(self.0.path())
            .arg("tag")
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

#[test]
fn posts_come_out_with_their_topics_and_the_words_that_say_so() {
    let folder = Folder::new();
    folder.write("posts.csv", POSTS);
    let answer = folder.tag(&["csv", "posts.csv", "--ontology", "topics", "--out", "topics.csv"]);
    assert_eq!((answer.code, &*answer.stdout), (Some(0), ""), "{}", answer.stderr);
    let written = fs::read_to_string(folder.path("topics.csv")).expect("written");
    let rows: Vec<&str> = written.lines().collect();
    assert_eq!(rows.len(), 2, "what is sensitive is left out, and so is nothing at all: {written}");
    assert_eq!(rows[0], "network,account,post,topic,slug,weight,words");
    assert!(rows[1].starts_with("bluesky,ann,1,2,machine-learning,0."), "{written}");
    assert!(rows[1].ends_with(",Neural Networks"), "{written}");
    assert!(answer.stderr.contains("TIME_INVALID 1"), "{}", answer.stderr);
    let told = "3 posts, 1 of them about something, 1 topics; sensitive and left out 1";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
}

#[test]
fn tags_count_unless_they_are_ignored() {
    let folder = Folder::new();
    folder.write(
        "posts.jsonl",
        r#"{"network":"bluesky","signalId":"1","time":"2018-05-01T00:00:00Z","post":{"account":{"nativeId":"ann"},"post":"1","tags":["MachineLearning"]}}"#,
    );
    let tag = ["signals", "posts.jsonl", "--ontology", "topics"];
    let answer = folder.tag(&tag);
    assert!(answer.stdout.contains(",machine-learning,"), "{}{}", answer.stdout, answer.stderr);
    let answer = folder.tag(&[&tag[..], &["--ignore-tags"]].concat());
    assert_eq!(
        answer.stdout, "network,account,post,topic,slug,weight,words\n",
        "{}",
        answer.stderr
    );
}

#[test]
fn a_dump_is_read_by_the_titles_of_its_questions() {
    let folder = Folder::new();
    fs::create_dir(folder.path("maths")).expect("a folder");
    folder.write("maths/Users.xml", "<users>\n  <row Id=\"1\" DisplayName=\"Ann\" />\n</users>");
    folder.write(
        "maths/Posts.xml",
        "<posts>\n  <row Id=\"10\" PostTypeId=\"1\" CreationDate=\"2018-05-01T10:00:00.567\" \
         Title=\"Why machine learning?\" Body=\"&lt;p&gt;Why?&lt;/p&gt;\" OwnerUserId=\"1\" />\n</posts>",
    );
    let answer = folder.tag(&["stackexchange", "maths", "--ontology", "topics"]);
    let row = "stackexchange,maths/1,maths/10,2,machine-learning,";
    assert!(answer.stdout.contains(row), "{}{}", answer.stdout, answer.stderr);
}

#[test]
fn an_ontology_that_cannot_be_says_where_it_is_wrong() {
    let folder = Folder::new();
    folder.write("posts.csv", POSTS);
    folder.write("topics/more.toml", TOPICS);
    let answer = folder.tag(&["csv", "posts.csv", "--ontology", "topics"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.stderr.contains("more.toml"), "{}", answer.stderr);
    let answer = folder.tag(&["csv", "posts.csv", "--site", "maths"]);
    assert_eq!(answer.code, Some(2), "{}", answer.stderr);
}
