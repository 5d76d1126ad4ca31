//! Accounts that become somebody's, and people who become one.

use std::fs;

use klout_flows::{Installation, rank};
use serde_json::Value;

use crate::world::{Files, rows, text};

fn person(installation: &Installation, account: &str) -> String {
    let told = installation.klout(&["person", "show", account, "--json"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    told["person"].as_str().expect("a person").to_owned()
}

fn done(installation: &Installation, arguments: &[&str]) {
    let output = installation.klout(arguments);
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[tokio::test]
async fn who_claims_a_pseudonym_has_what_it_did_from_the_first_day() {
    let installation = Installation::of_one_process().await;
    let files = Files::new();
    let file = files.write("interactions.csv", &rows());
    let members = files.path("members.csv");
    // Everybody but a1, who reacts and is reacted to.
    let accounts = (0..40).filter(|id| *id != 1).map(|id| format!("bluesky,a{id}\n"));
    fs::write(&members, format!("network,account\n{}", accounts.collect::<String>()))
        .expect("a file");
    done(&installation, &["import", "csv", text(&file), "--registered", text(&members)]);
    let stranger = installation.klout(&["score", "bluesky:id=a1"]);
    assert!(stranger.stderr.contains("PERSON_UNKNOWN"), "{stranger:?}");

    done(&installation, &["person", "create", "bluesky:id=a1"]);
    done(&installation, &["rescore"]);

    let (served, ranked) = (installation.ranking(), rank(&[&file]));
    assert!(served.contains_key("bluesky:a1"), "{served:?}");
    for (account, score) in &served {
        assert_eq!(
            Some(score),
            ranked.get(account),
            "as if they had been there all the time: {account}"
        );
    }

    // What is taken away is a pseudonym's again, and whoever gets it gets all of it.
    let (one, two) =
        (person(&installation, "bluesky:id=a1"), person(&installation, "bluesky:id=a2"));
    done(&installation, &["person", "unlink", &one, "bluesky:id=a1"]);
    done(&installation, &["rescore"]);
    assert!(!installation.ranking().contains_key("bluesky:a1"));
    done(&installation, &["person", "link", &one, "bluesky:id=a1"]);
    done(&installation, &["rescore"]);
    assert_eq!(installation.ranking(), served);

    // Two who are one have the score of one who had both all the time.
    done(&installation, &["person", "merge", &one, &two]);
    done(&installation, &["rescore"]);
    let merged = installation.ranking();
    done(&installation, &["person", "unlink", &two, "bluesky:id=a1"]);
    done(&installation, &["person", "link", &two, "bluesky:id=a1"]);
    done(&installation, &["rescore"]);
    assert_eq!(installation.ranking(), merged);
    assert!(merged.contains_key("bluesky:a1; bluesky:a2"), "{merged:?}");
    assert_eq!(person(&installation, &one), two, "the merged id means who stayed");
}
