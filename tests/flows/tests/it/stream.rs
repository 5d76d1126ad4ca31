//! What a network tells as it happens is kept whole, whatever is killed meanwhile.

use klout_flows::{
    Installation,
    kill::{
        differences,
        standing::{arm, kill_there},
        visits::STREAMS,
    },
};
use klout_testkit::{
    Stores,
    jetstream::{Framing, Jetstream},
    until,
};
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::datetime};

/// Half an hour before the clock of the flows.
const BEGIN: OffsetDateTime = datetime!(2018-05-31 23:30 UTC);

/// Whose posts are liked.
const ANN: &str = "did:plc:ann";

/// Parts in which everything is told. A connector is killed in each but the last.
const PARTS: u32 = 6;

/// Those who like a post in each part.
const FANS: u32 = 40;

fn variables(jetstream: &Jetstream) -> Vec<(&'static str, String)> {
    vec![
        ("KLOUT_CONNECTOR__PRIVATE_NETWORKS_ALLOWED", "true".to_owned()),
        ("KLOUT_CONNECTOR__STREAMS__BLUESKY__WHOSE", "everybody".to_owned()),
        ("KLOUT_CONNECTOR__STREAMS__BLUESKY__URL", jetstream.url()),
        ("KLOUT_CONNECTOR__STREAMS__BLUESKY__FRAMING", Framing::New.name().to_owned()),
    ]
}

/// A new post, its likes and new followers; and every other like of the part before is taken back.
fn tell(jetstream: &Jetstream, part: u32) {
    const CREATED: &str = "2018-05-30T10:00:00.000Z";
    let record = |name: &str, part: u32, fan: u32| format!("{name}-{part}-{fan}");
    let post = format!("post{part}");
    let text = json!({ "text": "a tool for rust", "createdAt": CREATED });
    jetstream.write(ANN, "app.bsky.feed.post", &post, text);
    for fan in 0..FANS {
        let did = format!("did:plc:fan{fan}");
        let uri = format!("at://{ANN}/app.bsky.feed.post/{post}");
        let like = json!({ "subject": { "uri": uri, "cid": "bafy" }, "createdAt": CREATED });
        jetstream.write(&did, "app.bsky.feed.like", &record("like", part, fan), like);
        if part > 0 && fan % 2 == 0 {
            jetstream.take_back(&did, "app.bsky.feed.like", &record("like", part - 1, fan));
        }
        if fan % PARTS == part {
            let follow = json!({ "subject": ANN, "createdAt": CREATED });
            jetstream.write(&did, "app.bsky.graph.follow", &record("follow", part, fan), follow);
        }
    }
}

/// Waits until an installation has kept all that is told.
async fn until_kept(installation: &Installation, jetstream: &Jetstream) {
    let db = installation.stores.db().await;
    until("all is kept", async || {
        let number: Option<i64> = sqlx::query_scalar("select number from connector.stream")
            .fetch_optional(&db)
            .await
            .expect("Postgres answers")
            .flatten();
        number == Some(jetstream.told())
    })
    .await;
}

/// Ends the lease of who was killed, as time would.
async fn end_lease(installation: &Installation) {
    sqlx::query("update connector.stream set leased_until = '-infinity'")
        .execute(&installation.stores.db().await)
        .await
        .expect("Postgres answers");
}

fn join(installation: &Installation) {
    let made = installation.klout(&["person", "create", &format!("bluesky:id={ANN}")]);
    assert_eq!(made.code, Some(0), "{made:?}");
}

async fn score(installation: &Installation) -> Value {
    installation.get(&format!("/v1/accounts/bluesky/{ANN}/score")).await.1["score"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_whose_reader_is_killed_anywhere_is_read_on_without_loss_or_repetition() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = tempfile::tempdir().expect("a folder");
    let told = Jetstream::start(Framing::New, BEGIN).await;
    let stores = Stores::fresh().await;
    let calm = Installation::with_failpoints_and(stores, none.path(), variables(&told));
    join(&calm);
    for part in 0..PARTS {
        tell(&told, part);
        until_kept(&calm, &told).await;
    }

    let told = Jetstream::start(Framing::New, BEGIN).await;
    let stores = Stores::fresh().await;
    let mut shaken = Installation::with_failpoints_and(stores, folder.path(), variables(&told));
    join(&shaken);
    for (part, point) in (0..PARTS).zip(STREAMS.into_iter().cycle()) {
        let strikes = part + 1 < PARTS;
        if strikes {
            arm(folder.path(), point);
        }
        tell(&told, part);
        if strikes {
            kill_there(folder.path(), &mut shaken, point).await;
            end_lease(&shaken).await;
        }
        until_kept(&shaken, &told).await;
    }

    assert!(told.cursors().len() >= PARTS as usize, "who comes after a kill reads on");
    until("totals and scores are those of the undisturbed run", async || {
        let differences = differences(&calm, &shaken).await;
        // What is the matter if it stays so.
        differences.iter().for_each(|it| eprintln!("{it}"));
        differences.is_empty()
    })
    .await;
    assert!(score(&shaken).await.as_f64().is_some_and(|it| it > 1.0), "she has a score");
}
