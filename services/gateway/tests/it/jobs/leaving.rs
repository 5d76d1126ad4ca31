//! What becomes of who was found when they leave, or are somebody else.

use serde_json::json;

use super::{ACME, office::Office};

const FILE: &str = "key,email\nC-1,ann@example.org\nC-2,bob@example.org\nC-3,cat@example.org\n";

/// Ann, Bob and Cat are there.
async fn office() -> Office {
    let office = Office::open().await;
    for (email, person) in [("ann@example.org", 42), ("bob@example.org", 43)] {
        office.folk.add(email, person);
    }
    office.folk.add("cat@example.org", 44);
    office
}

fn people(rows: &[String]) -> Vec<&str> {
    rows.iter().map(|row| row.split(',').nth(1).expect("a person")).collect()
}

#[tokio::test]
async fn who_leaves_between_the_look_up_and_the_download_is_among_the_unmatched() {
    let office = office().await;
    let job = office.look_up(ACME, FILE).await;
    assert_eq!(people(&office.rows(ACME, &job, "results").await), ["42", "43", "44"]);

    // Scoring hides them; the gateway was told nothing.
    office.folk.remove(43);

    assert_eq!(people(&office.rows(ACME, &job, "results").await), ["42", "44"]);
    assert_eq!(office.rows(ACME, &job, "unmatched").await, ["C-2,2"]);
    let path = format!("/v1/lookupJobs/{job}/results?skip=2");
    let rest = office.get(ACME, &path).await.text;
    assert!(rest.starts_with("C-3,44,"), "no row is missed for the one that is gone: {rest}");
}

#[tokio::test]
async fn what_was_found_of_somebody_is_told_to_them_and_goes_with_them() {
    let office = office().await;
    let job = office.look_up(ACME, FILE).await;
    let held = office.held(43).await;
    let [(name, found)] = held.as_slice() else { panic!("{held:?}") };
    assert_eq!(name, "lookup_result");
    assert_eq!((&found["caller"], &found["purpose"]), (&json!(ACME), &json!("crm")));
    assert_eq!(found["job_id"].to_string(), job);

    office.folk.remove(43);
    office.tell(43, 1, "ERASED", 0).await;
    assert_eq!(office.forget(43, "ERASED").await, [("lookup_result".to_owned(), 1)]);
    assert!(office.forget(43, "ERASED").await.is_empty());

    let names: Vec<_> = office.held(43).await.into_iter().map(|it| it.0).collect();
    assert_eq!(names, ["person_state"]);
    assert_eq!(office.rows(ACME, &job, "unmatched").await, ["C-2,2"]);
}

#[tokio::test]
async fn nothing_is_written_about_who_left_while_they_were_looked_up() {
    let office = office().await;
    // Social-graph has found them before they left, and the gateway hears of it before it writes.
    office.tell(42, 1, "ERASED", 0).await;
    office.tell(43, 2, "MERGED", 44).await;

    let job = office.look_up(ACME, FILE).await;

    assert_eq!(people(&office.rows(ACME, &job, "results").await), ["44", "44"]);
    assert_eq!(office.held(42).await.len(), 1, "that they left");
    assert_eq!(office.job(ACME, &job).await.json["unmatched"], "1");
}

#[tokio::test]
async fn whoever_is_merged_is_found_as_the_one_they_are_now() {
    let office = office().await;
    let job = office.look_up(ACME, FILE).await;

    office.tell(43, 1, "MERGED", 44).await;

    assert_eq!(people(&office.rows(ACME, &job, "results").await), ["42", "44", "44"]);
    let names: Vec<_> = office.held(43).await.into_iter().map(|it| it.0).collect();
    assert_eq!(names, ["person_state"]);
    assert_eq!(office.held(44).await.len(), 2);
}
