//! What a network tells of 90 days is read whole, whatever is killed meanwhile.

use klout_flows::{
    Installation,
    kill::{
        differences,
        standing::{arm, kill_there},
        visits::VISITS,
    },
};
use klout_testkit::{Stores, until};
use serde_json::Value;

use crate::network::{Network, Shape};

/// Some pages of each.
const SHAPE: Shape = Shape { repositories: 4, stars: 230 };

/// Has an installation connect somebody's account.
fn connect(installation: &Installation) {
    let made = installation.klout(&["person", "create", "bluesky:id=ann"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let arguments = [
        "connect",
        "github",
        "ann",
        "--person",
        "bluesky:id=ann",
        "--method",
        "operator",
        "--no-wait",
    ];
    let output = installation.klout(&arguments);
    assert_eq!(output.code, Some(0), "{output:?}");
}

async fn until_read(installation: &Installation) -> Value {
    let mut connection = Value::Null;
    until("all is read", async || {
        let (_, mut listed) = installation.get("/v1/connections").await;
        connection = listed["connections"][0].take();
        connection["mode"] == "IDLE" && !connection["syncTime"].is_null()
    })
    .await;
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_that_is_killed_anywhere_is_resumed_without_loss_or_repetition() {
    let network = Network::start(SHAPE).await;
    let folder = tempfile::tempdir().expect("a folder");
    let none = tempfile::tempdir().expect("a folder");
    let fresh = Stores::fresh().await;
    let calm = Installation::with_failpoints_and(fresh, none.path(), network.variables());
    connect(&calm);
    let undisturbed = until_read(&calm).await;
    assert_eq!(undisturbed["state"], "ACTIVE", "{undisturbed}");
    let signals = SHAPE.repositories * SHAPE.stars;
    let told: u64 =
        undisturbed["progress"]["signals"].as_str().expect("a count").parse().expect("a number");
    assert!(told > signals, "{undisturbed}");
    assert_eq!(network.asked_again(), 0);

    let fresh = Stores::fresh().await;
    let mut shaken = Installation::with_failpoints_and(fresh, folder.path(), network.variables());
    arm(folder.path(), VISITS[0]);
    connect(&shaken);
    for round in 0..4 {
        let point = VISITS[round % VISITS.len()];
        kill_there(folder.path(), &mut shaken, point).await;
        if round < 3 {
            arm(folder.path(), VISITS[(round + 1) % VISITS.len()]);
        }
    }
    let disturbed = until_read(&shaken).await;
    assert_eq!(disturbed["progress"]["signals"], undisturbed["progress"]["signals"]);
    assert!(network.asked_again() > 0, "what was not written is asked for again");
    until("the scores are those of the undisturbed run", async || {
        let differences = differences(&calm, &shaken).await;
        // What is the matter if it stays so.
        differences.iter().for_each(|it| eprintln!("{it}"));
        differences.is_empty()
    })
    .await;
}
