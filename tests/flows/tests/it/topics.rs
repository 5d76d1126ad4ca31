//! From what people write to what they are influential about, through all six.

use std::fs;

use klout_flows::{Installation, Output};
use serde_json::{Value, json};

use crate::world::{Files, text};

/// Posts of ann about photography, of which others make something; one of ben about hurricanes, which one
/// person likes; and ten by cem, which nobody does anything about.
fn signals() -> Vec<Value> {
    let account = |name: &str| json!({"nativeId": name, "handle": name});
    let signal = |id: String, day: u32, content: (&str, Value)| {
        let time = format!("2018-05-{day:02}T08:00:00Z");
        json!({"network": "bluesky", "signalId": id, "time": time, content.0: content.1})
    };
    let post = |author: &str, number: u32, text: &str| {
        let post =
            json!({"account": account(author), "post": format!("{author}{number}"), "text": text});
        signal(format!("post-{author}{number}"), number + 1, ("post", post))
    };
    let like = |actor: &str, author: &str, number: u32| {
        let like = json!({
            "actor": account(actor), "subject": account(author), "kind": "like",
            "post": format!("{author}{number}"),
        });
        signal(format!("like-{actor}-{author}{number}"), number + 2, ("interaction", like))
    };
    let fans = ["dana", "eli", "fay", "gus", "hana", "ivo"];
    let mut signals = Vec::new();
    for number in 0..8 {
        signals.push(post("ann", number, "Spent the morning on film photography. #photography"));
        signals.push(post("cem", number, "Nothing but photography, photography, photography."));
        signals.extend(fans.iter().map(|fan| like(fan, "ann", number)));
    }
    signals.push(post("ben", 0, "A hurricane is coming to our coast. #hurricane"));
    signals.push(like("dana", "ben", 0));
    for fan in &fans[..3] {
        let list = json!({
            "actor": account(fan), "subject": account("ann"), "kind": "list", "label": "photography",
        });
        signals.push(signal(format!("list-{fan}"), 9, ("interaction", list)));
    }
    signals
}

/// A file of these signals.
fn file(files: &Files, signals: &[Value]) -> String {
    let path = files.path("signals.jsonl");
    let lines: Vec<_> = signals.iter().map(ToString::to_string).collect();
    fs::write(&path, lines.join("\n")).expect("a file");
    text(&path).to_owned()
}

fn done(output: &Output) -> &str {
    assert_eq!(output.code, Some(0), "{output:?}");
    &output.stdout
}

fn json_of(output: &Output) -> Value {
    serde_json::from_str(done(output)).expect("JSON")
}

/// The slugs of the topics that somebody has earned.
fn earned(installation: &Installation, whom: &str) -> Vec<String> {
    let response = json_of(&installation.klout(&["topic", "of", whom, "--top", "100", "--json"]));
    let topics = response["topics"].as_array().expect("topics").iter();
    let earned =
        topics.filter(|it| it["states"].as_array().expect("states").contains(&json!("earned")));
    earned.map(|it| it["topic"]["slug"].as_str().expect("a slug").to_owned()).collect()
}

fn imported(installation: &Installation) {
    let files = Files::new();
    let path = file(&files, &signals());
    let import = installation.klout(&["import", "signals", &path, "--register-all"]);
    assert_eq!(import.code, Some(0), "{import:?}");
}

#[tokio::test]
async fn who_writes_what_others_react_to_is_influential_about_it_and_nobody_else() {
    let installation = Installation::of_six_processes().await;
    imported(&installation);

    assert!(earned(&installation, "bluesky:ann").contains(&"photography".to_owned()));
    assert!(
        earned(&installation, "bluesky:ben").is_empty(),
        "one post and one like are not enough"
    );
    assert!(earned(&installation, "bluesky:cem").is_empty(), "writing alone is not influence");

    let why = installation.klout(&["topic", "why", "bluesky:ann", "photography"]);
    let told = done(&why);
    for what in ["photography", "bluesky:dana", "like"] {
        assert!(told.contains(what), "{what} is missing in {told}");
    }
    let why = installation.klout(&["topic", "why", "bluesky:cem", "photography"]);
    assert!(done(&why).contains("missing:"), "{why:?}");

    let (status, experts) = installation.get("/v1/topics/photography/experts").await;
    assert_eq!(status, 200, "{experts}");
    assert_eq!(experts["experts"].as_array().map(Vec::len), Some(1), "{experts}");
    assert_eq!(experts["experts"][0]["rank"], json!("1"), "{experts}");
}

#[tokio::test]
async fn a_veto_holds_whatever_comes_after_it() {
    let installation = Installation::of_one_process().await;
    imported(&installation);
    done(&installation.klout(&["topic", "veto", "bluesky:ann", "photography"]));
    assert!(!earned(&installation, "bluesky:ann").contains(&"photography".to_owned()));

    let files = Files::new();
    let mut more = signals();
    for signal in &mut more {
        let id = format!("more-{}", signal["signalId"].as_str().expect("an id"));
        signal["signalId"] = Value::from(id);
    }
    let import = installation.klout(&["import", "signals", &file(&files, &more), "--register-all"]);
    assert_eq!(import.code, Some(0), "{import:?}");
    assert!(!earned(&installation, "bluesky:ann").contains(&"photography".to_owned()));
    let (_, experts) = installation.get("/v1/topics/photography/experts").await;
    assert_eq!(experts["experts"], json!([]), "{experts}");

    done(&installation.klout(&["topic", "restore", "bluesky:ann", "photography"]));
    let restored =
        async || earned(&installation, "bluesky:ann").contains(&"photography".to_owned());
    klout_testkit::until("the topic is there again", restored).await;
}

#[tokio::test]
async fn another_ontology_moves_topics_and_the_way_back_moves_them_back() {
    let installation = Installation::of_one_process().await;
    imported(&installation);
    done(&installation.klout(&["topic", "declare", "bluesky:ann", "photography"]));

    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, content: &str| fs::write(folder.path().join(name), content);
    write(
        "topics.csv",
        "topicId,topicSlug,topicDisplayName,wikiItemId,freebaseMachineId\n\
         10000000000000000005,\"pictures-super\",\"Pictures\",null,null\n\
         10000000000000000007,\"photography\",\"Photography\",\"null\",\"null\"\n",
    )
    .expect("written");
    write(
        "edges.csv",
        "parentTopicId,parrentTopicSlug,childTopicId,childTopicSlug\n\
         0,\"_ROOT_\",0,\"_ROOT_\"\n\
         0,\"_ROOT_\",10000000000000000005,\"pictures-super\"\n\
         10000000000000000005,\"pictures-super\",10000000000000000007,\"photography\"\n",
    )
    .expect("written");
    let path = text(folder.path());
    let import = ["import", "topic-ontology", path, "--name", "tiny", "--edition", "1"];
    done(&installation.klout(&import));
    let has = async |id: Option<&str>, states: Value| {
        let topics =
            json_of(&installation.klout(&["topic", "of", "bluesky:ann", "--top", "100", "--json"]));
        let topics = topics["topics"].as_array().expect("topics").clone();
        let photography = topics.iter().find(|it| it["topic"]["slug"] == "photography");
        photography.is_some_and(|it| {
            it["states"] == states && id.is_none_or(|id| it["topic"]["topic"] == id)
        })
    };
    let both = json!(["earned", "declared"]);
    let moved = async || has(Some("10000000000000000007"), both.clone()).await;
    klout_testkit::until("the posts were read with it", moved).await;

    write("edges.csv", "parentTopicId,parentTopicSlug,childTopicId,childTopicSlug\n7,a,8,b\n")
        .expect("written");
    let flawed = ["import", "topic-ontology", path, "--name", "tiny", "--edition", "2"];
    let flawed = installation.klout(&flawed);
    assert_eq!(flawed.code, Some(1), "{flawed:?}");
    assert!(flawed.stderr.contains("edges.csv:2"), "{flawed:?}");
    assert!(has(Some("10000000000000000007"), both.clone()).await, "the one in use is untouched");

    let editions = json_of(&installation.klout(&["topic", "edition", "list", "--json"]));
    let shipped = editions["editions"].as_array().expect("editions").iter();
    let shipped = shipped.clone().find(|it| it["ontology"] != "tiny").expect("the one that ships");
    let name = format!(
        "{}/{}",
        shipped["ontology"].as_str().expect("a name"),
        shipped["edition"].as_str().expect("an edition")
    );
    done(&installation.klout(&["topic", "edition", "use", &name]));
    let back = async || {
        has(None, both.clone()).await && !has(Some("10000000000000000007"), both.clone()).await
    };
    klout_testkit::until("the posts were read with the one that ships", back).await;
}
