//! Delivered at least once, effective once; and in any order.

use klout_flows::{Installation, rank};
use klout_testkit::evidence;

use crate::world::{Files, rows, text};

#[tokio::test]
async fn any_order_split_and_repetition_of_signals_gives_the_same_scores() {
    let files = Files::new();
    let rows = rows();
    let straight = Installation::of_one_process().await;
    straight.import(&files.write("straight.csv", &rows));

    let mut shuffled = rows.clone();
    // A fixed permutation: 7 and 2500 have no common divisor.
    shuffled.sort_by_key(|row| {
        let id: usize = row.rsplit(",s").next().and_then(|id| id.parse().ok()).expect("an id");
        id * 7 % rows.len()
    });
    let (first, second) = shuffled.split_at(900);
    let repeated = [second, &first[100..200], second].concat();
    let crooked = Installation::of_one_process().await;
    crooked.import(&files.write("first.csv", first));
    crooked.import(&files.write("second.csv", &repeated));

    assert_eq!(straight.ranking(), crooked.ranking());
    assert_eq!(
        evidence(&straight.stores.db().await).await,
        evidence(&crooked.stores.db().await).await,
        "the same evidence"
    );
}

#[tokio::test]
async fn a_consumer_that_dies_and_comes_back_ends_with_the_same_evidence() {
    let files = Files::new();
    let rows = rows();
    let file = files.write("all.csv", &rows);
    let calm = Installation::of_one_process().await;
    calm.import(&file);

    let mut shaken = Installation::of_six_processes().await;
    let (first, second) = rows.split_at(1_200);
    let first = files.write("first.csv", first);
    let second = files.write("second.csv", second);
    // Scoring dies while batches are on their way, is away while more come in, and comes back.
    let sent = shaken.klout(&["import", "csv", text(&first), "--register-all", "--no-wait"]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    shaken.kill("scoring");
    let sent = shaken.klout(&["import", "csv", text(&second), "--register-all", "--no-wait"]);
    assert_eq!(sent.code, Some(0), "acknowledged although scoring is away: {sent:?}");
    shaken.start("scoring");
    // Everything once more.
    shaken.import(&file);

    assert_eq!(
        evidence(&calm.stores.db().await).await,
        evidence(&shaken.stores.db().await).await,
        "the same evidence"
    );
    let ranked = rank(&[&file]);
    for (account, score) in shaken.ranking() {
        assert_eq!(ranked.get(&account), Some(&score), "{account}");
    }
}
