//! From a member who vouches to a score and a topic, through all six.

use std::fs;

use klout_flows::{Installation, Output};
use klout_testkit::until;
use serde_json::{Value, json};

use crate::world::{Files, text};

fn done(output: &Output) -> &str {
    assert_eq!(output.code, Some(0), "{output:?}");
    &output.stdout
}

fn json_of(output: &Output) -> Value {
    serde_json::from_str(done(output)).expect("JSON")
}

/// Ann, Ben, Cem and Dana, who post, and Ann to whom nine members react. All declare photography.
fn joined(installation: &Installation) {
    let files = Files::new();
    let path = files.path("signals.jsonl");
    let account = |name: &str| json!({"nativeId": name, "handle": name});
    let signal = |id: String, content: (&str, Value)| {
        let time = "2018-05-31T08:00:00Z";
        json!({"network": "bluesky", "signalId": id, "time": time, content.0: content.1})
            .to_string()
    };
    let people = ["ann", "ben", "cem", "dana"];
    let posts = people.iter().map(|name| {
        let post = json!({"account": account(name), "post": name, "text": "Good morning."});
        signal(format!("post-{name}"), ("post", post))
    });
    let likes = (0..9).map(|fan| {
        let fan = format!("fan{fan}");
        let like = json!({"actor": account(&fan), "subject": account("ann"), "kind": "like"});
        signal(format!("like-{fan}"), ("interaction", like))
    });
    let lines: Vec<String> = posts.chain(likes).collect();
    fs::write(&path, lines.join("\n")).expect("a file");
    done(&installation.klout(&["import", "signals", text(&path), "--register-all"]));
    for name in people {
        let name = format!("bluesky:{name}");
        done(&installation.klout(&["topic", "declare", &name, "photography"]));
    }
}

fn points(installation: &Installation, whom: &str) -> f64 {
    let score = json_of(&installation.klout(&["score", &format!("bluesky:{whom}"), "--json"]));
    score["score"].as_f64().unwrap_or(1.0)
}

fn give(installation: &Installation, giver: &str, receiver: &str) -> String {
    let (giver, receiver) = (format!("bluesky:{giver}"), format!("bluesky:{receiver}"));
    let given = installation.klout(&["plus-k", "give", &giver, &receiver, "photography", "--json"]);
    json_of(&given)["plusK"]["plusK"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn who_is_vouched_for_has_a_higher_score_by_who_vouches_and_less_when_it_is_given_back() {
    let installation = Installation::of_six_processes().await;
    joined(&installation);
    let rescored = || done(&installation.klout(&["rescore"])).to_owned();
    let before = points(&installation, "ben");

    // Ann is somebody, and Dana is not.
    give(&installation, "ann", "ben");
    let taken_back = give(&installation, "dana", "cem");
    until("both count", async || {
        points(&installation, "ben") > before && points(&installation, "cem") > before
    })
    .await;
    rescored();
    let (by_ann, by_dana) = (points(&installation, "ben"), points(&installation, "cem"));
    assert!(by_ann > by_dana && by_dana > before + 1.0, "{by_ann} {by_dana} {before}");
    let explained = installation.klout(&["explain", "bluesky:ben", "--json"]);
    assert!(done(&explained).contains("plus_k"), "{explained:?}");
    until("topics hears of it", async || {
        done(&installation.klout(&["topic", "why", "bluesky:ben", "photography"]))
            .contains("plus k")
    })
    .await;

    // Given back it counts less, for both.
    let ann = points(&installation, "ann");
    give(&installation, "ben", "ann");
    until("it counts less", async || points(&installation, "ben") < by_ann).await;
    rescored();
    assert!(points(&installation, "ben") > before, "{by_ann}");
    assert!(points(&installation, "ann") > ann);

    // Taken back it does not count.
    done(&installation.klout(&["plus-k", "take-back", "bluesky:dana", &taken_back]));
    until("it is gone", async || (points(&installation, "cem") - before).abs() < 1e-9).await;

    let (status, listed) = installation.get("/v1/people/1/plusK/received").await;
    assert_eq!((status, &listed["reason"]), (404, &json!("PERSON_UNKNOWN")), "{listed}");
    let received = installation.klout(&["plus-k", "received", "bluesky:ben", "--json"]);
    assert_eq!(json_of(&received)["plusKs"].as_array().map(Vec::len), Some(1));
}
