//! Acknowledged means durable, and delivered at least once is effective once, whatever is killed.

use std::{collections::BTreeSet, fs, path::Path};

use klout_flows::kill::{self, POINTS, Plan, Terms, run};

/// The same every time, so that a failure is nobody's luck, and one that kills every service and both stores.
/// `cargo xtask kill` draws others.
const SEED: u64 = 2_027;

#[tokio::test]
async fn whatever_is_killed_totals_and_scores_are_those_of_an_undisturbed_run() {
    let plan = Plan::Everything { kills: 48, seed: SEED };
    let report = run(&Terms { signals: 49_000, seed: SEED, plan, checked: true }).await;
    assert!(report.differences.is_empty(), "{:#?}", report.differences);
    let victims =
        ["connector", "gateway", "scoring", "social-graph", "topics", "Postgres", "Redis"];
    for victim in victims {
        assert!(report.victims.contains_key(victim), "{victim}: {:?}", report.victims);
    }
}

#[tokio::test]
async fn without_a_look_whether_a_batch_was_applied_the_same_fails() {
    let plan = Plan::AnswersLost { kills: 3 };
    let terms = Terms { signals: 4_000, seed: SEED, plan, checked: false };
    let differences = run(&terms).await.differences;
    let differs = |name: &str| differences.iter().any(|it| it.starts_with(name));
    assert!(differs("evidence") && differs("scoring.score"), "{differences:#?}");
    assert!(!differs("social_graph.tie"), "it still looks: {differences:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_campaigns_give_what_they_have_and_answers_stay() {
    let answers = kill::perks::ANSWERS;
    let terms = kill::perks::Terms { clients: 64, kills: 9, answers, seed: SEED, held: true };
    let report = kill::perks::run(&terms).await;
    assert!(report.flaws.is_empty(), "{:#?}", report.flaws);
    assert!(report.decided > 500 && report.looks > 10, "{report:?}");
    for victim in ["perks", "Postgres", "a connection"] {
        assert!(report.victims.contains_key(victim), "{victim}: {:?}", report.victims);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_holds_the_campaign_it_does_not_add_up() {
    // So long that stock and budgets come to their ends, where two give the last one.
    let answers = kill::perks::ANSWERS;
    let terms = kill::perks::Terms { clients: 64, kills: 5, answers, seed: SEED, held: false };
    let report = kill::perks::run(&terms).await;
    assert!(!report.flaws.is_empty(), "{report:?}");
}

#[test]
fn every_failpoint_of_the_services_is_killed_at() {
    let mut found = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services"), &mut found);
    let points = POINTS.into_iter().chain(kill::perks::POINTS).chain(kill::lookups::POINTS);
    let points = points.chain(kill::visits::VISITS).chain(kill::visits::STREAMS);
    assert_eq!(found, points.map(ToOwned::to_owned).collect());
}

fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).expect("a text");
            let points = text.split("failpoint!(\"").skip(1).filter_map(|it| it.split('"').next());
            found.extend(points.map(ToOwned::to_owned));
        }
    }
}
