//! One signal, one score: the path through the services.

use std::path::Path;

use klout_flows::{Installation, rank};
use serde_json::Value;

use crate::world::{Files, rows, text};

/// Takes a file in and reads the scores in every way there is.
async fn walk(installation: &Installation) {
    let files = Files::new();
    let file = files.write("interactions.csv", &rows());

    let imported = installation.import(&file);
    assert!(imported.stderr.contains("accepted 2500, repeated 0, rejected 0"), "{imported:?}");

    // What is served is what the files say, to the bit.
    let (served, ranked) = (installation.ranking(), rank(&[&file]));
    assert!(served.len() >= 25, "{served:?}");
    for (account, score) in &served {
        assert_eq!(Some(score), ranked.get(account), "{account}");
    }
    for (account, score) in ranked.iter().filter(|(account, _)| !served.contains_key(*account)) {
        assert_eq!(score, "1", "{account} has evidence and no score");
    }

    // The command line, REST by account and REST by person say the same.
    let told = installation.klout(&["score", "bluesky:id=a1", "--json"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(told["state"], "KNOWN");
    assert_eq!(told["score"].to_string(), served["bluesky:a1"]);
    assert_eq!(installation.get("/v1/accounts/bluesky/a1/score").await, (200, told.clone()));
    let person = told["person"].as_str().expect("a person");
    let by_person = installation.get(&format!("/v1/people/{person}/score")).await;
    assert_eq!(by_person, (200, told.clone()));
    let (_, history) = installation.get(&format!("/v1/people/{person}/scores")).await;
    assert_eq!(history["scores"][0]["score"], told["score"]);

    // Unknown is never zero, and an error is never a score.
    let silent = installation.klout(&["score", "bluesky:a35", "--json"]);
    let silent: Value = serde_json::from_str(&silent.stdout).expect("JSON");
    assert_eq!(silent["state"], "UNKNOWN");
    assert!(silent.get("score").is_none(), "{silent}");
    let stranger = installation.klout(&["score", "bluesky:nobody"]);
    assert_eq!((stranger.code, stranger.stdout.as_str()), (Some(1), ""));
    assert!(stranger.stderr.contains("PERSON_UNKNOWN"), "{stranger:?}");

    // A second time changes nothing.
    let again = installation.import(&file);
    assert!(again.stderr.contains("accepted 0, repeated 2500"), "{again:?}");
    assert_eq!(installation.ranking(), served);
}

#[tokio::test]
async fn a_signal_becomes_a_score_in_one_process() {
    let mut installation = Installation::of_one_process().await;
    walk(&installation).await;
    assert_eq!(installation.stop("all").code(), Some(0), "it ends in order");
}

#[tokio::test]
async fn a_signal_becomes_a_score_through_six_processes() {
    let mut installation = Installation::of_six_processes().await;
    walk(&installation).await;
    for service in ["gateway", "connector", "social-graph", "scoring", "topics", "perks"] {
        assert_eq!(installation.stop(service).code(), Some(0), "{service} ends in order");
    }
}

#[tokio::test]
async fn no_import_and_no_score_waits_for_topics() {
    let mut installation = Installation::of_six_processes().await;
    installation.stop("topics");
    let files = Files::new();
    let (file, posts) = (files.path("interactions.csv"), files.path("posts.csv"));
    let row = "2018-05-01T00:00:00Z,bluesky,bob,ann,list,1,p,bakers";
    let header = "time,network,actor,subject,kind,count,post,label";
    std::fs::write(&file, format!("{header}\n{row}\n")).expect("a file");
    let post = "time,network,account,post,text\n2018-05-01T00:00:00Z,bluesky,ann,p,bread\n";
    std::fs::write(&posts, post).expect("a file");

    let flags = ["import", "csv", text(&file), text(&posts), "--register-all"];
    let imported = installation.klout(&flags);

    assert_eq!(imported.code, Some(0), "{imported:?}");
    for told in ["all scores can be read", "topics does not answer, and catches up when it does"] {
        assert!(imported.stderr.contains(told), "{imported:?}");
    }
    let (status, score) = installation.get("/v1/accounts/bluesky/ann/score").await;
    assert_eq!((status, &score["state"]), (200, &Value::from("KNOWN")), "{score}");
    // What they missed is kept for them.
    let waiting: i64 = sqlx::query_scalar(
        "select (select count(*) from connector.outbox where consumer = 'topics')
            + (select count(*) from social_graph.membership_outbox where consumer = 'topics')",
    )
    .fetch_one(&installation.stores.db().await)
    .await
    .expect("a count");
    assert!(waiting >= 3, "two batches at most, and two accounts: {waiting}");
}

#[tokio::test]
async fn rows_that_are_left_out_are_named_and_can_be_mended_and_imported() {
    let installation = Installation::of_one_process().await;
    let files = Files::new();
    let row = |time: &str, kind: &str, id: u8| format!("{time},bluesky,bob,ann,{kind},1,{id}");
    let file = files.write(
        "mixed.csv",
        &[
            row("2018-05-01T00:00:00Z", "like", 1),
            row("2018-05-01T00:00:00Z", "adore", 2),
            row("2018-06-02T00:00:00Z", "like", 3),
            row("1999-05-01T00:00:00Z", "like", 4),
        ],
    );
    let rejected = files.path("rejected.csv");

    let flags = ["--register-all", "--rejected", text(&rejected)];
    let imported = installation.klout(&[&["import", "csv", text(&file)], &flags[..]].concat());

    assert_eq!(imported.code, Some(0), "{imported:?}");
    for told in [
        "mixed.csv:3: KIND_UNKNOWN",
        "mixed.csv:4: TIME_AFTER_AS_OF",
        "mixed.csv:5: TIME_BEFORE_WINDOW",
    ] {
        assert!(imported.stderr.contains(told), "{told} is not in {imported:?}");
    }
    let kept = std::fs::read_to_string(&rejected).expect("rejected rows");
    assert_eq!(kept.lines().count(), 4, "{kept}");
    assert!(kept.contains("1999-05-01T00:00:00Z,bluesky,bob,ann,like,1,4,TIME_BEFORE_WINDOW"));

    let mended =
        kept.replace("adore", "like").replace("2018-06-02", "2018-05-02").replace("1999", "2018");
    std::fs::write(&rejected, mended).expect("a file");
    let imported = installation.import(&rejected);
    assert!(imported.stderr.contains("accepted 3, repeated 0, rejected 0"), "{imported:?}");
}

#[tokio::test]
async fn without_a_key_nothing_is_told_but_health() {
    let installation = Installation::of_one_process().await;

    let refused = installation.klout(&["score", "bluesky:ann", "--key", "wrong"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("TOKEN_INVALID") && refused.stderr.contains("KLOUT_KEY"));

    let client = klout_testkit::http_client();
    for (path, status) in [("/healthz", 200), ("/v1/people/1/score", 401)] {
        let response = client.get(format!("{}{path}", installation.url())).send().await;
        assert_eq!(response.expect("the gateway answers").status(), status, "{path}");
    }
}

#[tokio::test]
async fn the_readme_shows_what_really_happens() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("a README");
    let example = root.join("docs/example/reactions.csv");
    let files = Files::new();
    let rejected = files.path("rejected.csv");
    let installation = Installation::of_one_process().await;

    let flags = ["--register-all", "--rejected", text(&rejected)];
    let imported = installation.klout(&[&["import", "csv", text(&example)], &flags[..]].concat());
    let told = imported.stderr.lines().filter(|line| !line.contains("reactions.csv"));
    let score = installation.klout(&["score", "bluesky:ann"]).stdout;
    // Who a person is, is random, and how many passes there were by now is the machine's to choose.
    let score = score.lines().filter(|line| !line.starts_with("person"));
    let score = score.map(|line| line.split(", epoch").next().unwrap_or(line));
    for line in told.chain(score) {
        assert!(readme.contains(line), "the README does not show: {line}");
    }
    for (account, score) in rank(&[&example]) {
        let row = format!("{},{score}", account.replace(':', ","));
        assert!(readme.contains(&row), "the README does not show: {row}");
    }
}
