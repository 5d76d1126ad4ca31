//! Who left stays away when a service alone is put back to an older backup.

use klout_flows::Installation;
use klout_testkit::{http_client, until};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::world::{Files, rows};

/// Six processes with people, and one of these.
async fn town() -> (Installation, PgPool, i64) {
    let installation = Installation::of_six_processes().await;
    let files = Files::new();
    installation.import(&files.write("all.csv", &rows()[..400]));
    let (status, score) = installation.get("/v1/accounts/bluesky/a0/score").await;
    assert_eq!(status, 200, "{score}");
    let person = score["person"].as_str().and_then(|it| it.parse().ok()).expect("a person");
    let db = installation.stores.db().await;
    (installation, db, person)
}

/// Asks until it is in force.
async fn ask(installation: &Installation, method: reqwest::Method, path: &str, body: &Value) {
    until("it is in force", async || {
        let request =
            http_client().request(method.clone(), format!("{}{path}", installation.url()));
        let request = request.bearer_auth(installation.key()).json(body);
        let status = request.send().await.expect("the gateway answers").status();
        assert!(status.is_success() || status == 503, "{status}");
        status.is_success()
    })
    .await;
}

async fn erase(installation: &Installation, person: i64) {
    let path = format!("/v1/people/{person}");
    ask(installation, reqwest::Method::DELETE, &path, &json!({})).await;
}

async fn run(db: &PgPool, statements: &'static [&'static str]) {
    for statement in statements {
        sqlx::query(*statement).execute(db).await.expect(statement);
    }
}

async fn is_there(db: &PgPool, what: &'static str) -> bool {
    sqlx::query_scalar(what).fetch_one(db).await.expect(what)
}

async fn everything_is_deleted(db: &PgPool) {
    until("everything is deleted", async || {
        !is_there(db, "select exists (select from social_graph.forgetting)").await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_after_social_graph_was_restored_is_erased_everywhere() {
    let (mut installation, db, person) = town().await;
    let path = format!("/v1/people/{person}/consent");
    for _ in 0..2 {
        for what in ["withholdPurposes", "grantPurposes"] {
            let body = json!({ what: ["crm"] });
            ask(&installation, reqwest::Method::PATCH, &path, &body).await;
        }
    }
    assert!(is_there(&db, "select min(number) >= 4 from scoring.person_state").await);

    installation.stop("social-graph");
    run(
        &db,
        &[
            "delete from social_graph.person_state_outbox",
            "delete from social_graph.person_state",
            "update social_graph.state_number set number = 0",
        ],
    )
    .await;
    installation.start("social-graph");
    erase(&installation, person).await;

    let (status, score) = installation.get(&format!("/v1/people/{person}/score")).await;
    assert_eq!(status, 404, "{score}");
    for table in [
        "select bool_and(state = 'ERASED' and number > 4) from scoring.person_state",
        "select bool_and(state = 'ERASED' and number > 4) from topics.person_state",
        "select bool_and(state = 'ERASED' and number > 4) from connector.person_state",
        "select number > 4 from social_graph.state_number",
    ] {
        assert!(is_there(&db, table).await, "{table}");
    }
    everything_is_deleted(&db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scoring_that_was_restored_shows_nobody_who_left_since_and_forgets_them_again() {
    let (mut installation, db, person) = town().await;
    run(
        &db,
        &[
            "create schema kept",
            "create table kept.score as select * from scoring.score",
            "create table kept.account as select * from scoring.account",
            "create table kept.evidence as select * from scoring.evidence",
            "create table kept.evidence_delta as select * from scoring.evidence_delta",
        ],
    )
    .await;
    erase(&installation, person).await;
    everything_is_deleted(&db).await;
    let is_back = "select exists (
        select from scoring.evidence join scoring.erased_account using (account_id)
        union all
        select from scoring.evidence_delta join scoring.erased_account using (account_id)
    )";
    assert!(!is_there(&db, is_back).await, "it was deleted");

    installation.stop("scoring");
    run(
        &db,
        &[
            "delete from scoring.person_state",
            "delete from scoring.erased_account",
            "delete from scoring.score",
            "insert into scoring.score overriding system value select * from kept.score",
            "delete from scoring.account",
            "insert into scoring.account select * from kept.account",
            "delete from scoring.evidence",
            "insert into scoring.evidence select * from kept.evidence",
            "delete from scoring.evidence_delta",
            "insert into scoring.evidence_delta overriding system value
                select * from kept.evidence_delta",
        ],
    )
    .await;
    installation.start("scoring");

    let (status, score) = installation.get(&format!("/v1/people/{person}/score")).await;
    assert_eq!(status, 404, "from the first answer on: {score}");
    until("it knows whose evidence is to go", async || {
        is_there(&db, "select exists (select from scoring.erased_account)").await
    })
    .await;
    until("it is deleted again", async || !is_there(&db, is_back).await).await;
    everything_is_deleted(&db).await;
}
