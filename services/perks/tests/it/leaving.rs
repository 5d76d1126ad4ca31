//! What becomes of what somebody got when they leave, or are somebody else.

use klout_proto::{
    graph::v1::{DescribePersonRequest, ForgetPersonRequest, ForgetPersonResponse},
    perk::v1::{
        CampaignSpec, Decision, ListDecisionsRequest, ListGrantsRequest, ReleaseGrantRequest,
        ReplayDecisionRequest, ReserveGrantRequest, reserve_grant_request::Subject,
    },
};
use klout_testkit::until;
use serde_json::Value;
use tonic::Code;

use crate::town::{Town, offer, told, with_score};

async fn decisions(town: &Town, campaign: &str) -> Vec<Decision> {
    let request = ListDecisionsRequest { campaign: campaign.to_owned(), ..Default::default() };
    town.client().list_decisions(request).await.expect("listed").into_inner().decisions
}

async fn forget(town: &Town, person_id: i64, state: &str) -> ForgetPersonResponse {
    let request =
        ForgetPersonRequest { person_id, account_ids: Vec::new(), state: state.to_owned() };
    town.person_data().forget_person(request).await.expect("forgotten").into_inner()
}

async fn held(town: &Town, person_id: i64) -> Vec<(String, Value)> {
    let request = DescribePersonRequest { person_id, account_ids: Vec::new() };
    let mut things =
        town.person_data().describe_person(request).await.expect("described").into_inner();
    let mut held = Vec::new();
    while let Some(thing) = things.message().await.expect("a thing") {
        held.push((thing.name, serde_json::from_str(&thing.json).expect("JSON")));
    }
    held
}

async fn of_campaign(town: &Town, campaign: &str) -> Vec<String> {
    let request = ListGrantsRequest { campaign: campaign.to_owned(), ..Default::default() };
    let listed = town.grants(request).await.expect("listed").grants;
    listed.into_iter().map(|it| it.person).collect()
}

#[tokio::test]
async fn nothing_says_whom_a_grant_is_of_once_they_have_left() {
    let town = Town::start().await;
    town.folk.add(1, with_score(50.0));
    let campaign = town.offers(offer("score >= 40.0")).await;
    let given = town.give(&campaign, 1).await;
    let told_before = held(&town, 1).await;
    let names: Vec<_> = told_before.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(names, ["grant", "budget", "decision"]);
    assert_eq!(told_before[2].1["facts"]["score"], 50.0);

    town.folk.remove(1);
    town.tell(1, 1, "ERASED", 0).await;

    assert_eq!(of_campaign(&town, &campaign).await, [""]);
    let decided = decisions(&town, &campaign).await;
    assert!(decided.len() == 1 && decided[0].person.is_empty() && decided[0].facts.is_none());
    let request =
        ReplayDecisionRequest { campaign: campaign.clone(), decision: decided[0].decision.clone() };
    let refused = town.client().replay_decision(request).await.expect_err("from nothing");
    assert_eq!(told(&refused).1, "DECISION_ERASED");
    let request = ListGrantsRequest { person: "1".to_owned(), ..Default::default() };
    let refused = town.grants(request).await.expect_err("nobody");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    // Also when social-graph was restored from a backup, and shows them again.
    town.folk.add(1, with_score(50.0));
    let refused = town.reserve(&campaign, 1).await.expect_err("nobody");
    assert_eq!(told(&refused).1, "PERSON_UNKNOWN");
    let refused = town.evaluate(1).await.expect_err("nobody");
    assert_eq!(told(&refused).1, "PERSON_UNKNOWN");
    let other = town.offers(offer("score >= 40.0")).await;
    let refused = town.reserve(&other, 1).await.expect_err("nobody");
    assert_eq!(told(&refused).1, "PERSON_UNKNOWN");

    let forgotten = forget(&town, 1, "ERASED").await;
    assert!(forgotten.done);
    let forgotten: Vec<_> =
        forgotten.forgotten.iter().map(|it| (it.name.as_str(), it.count)).collect();
    assert_eq!(forgotten, [("decision", 1), ("grant", 1), ("budget", 1)]);
    let left: Vec<_> = held(&town, 1).await.into_iter().map(|it| it.0).collect();
    assert_eq!(left, ["person_state"]);
    assert!(forget(&town, 1, "ERASED").await.forgotten.is_empty(), "nothing is left");
    let request = ListGrantsRequest { person: "1".to_owned(), ..Default::default() };
    let refused = town.grants(request).await.expect_err("nobody");
    assert_eq!(told(&refused).1, "PERSON_UNKNOWN");
    // It is in the accounts of the brand all the same.
    assert_eq!(of_campaign(&town, &campaign).await, [""]);
    assert_eq!(decisions(&town, &campaign).await[0].grant, given.grant);
    let rows: i64 = sqlx::query_scalar(
        "select (select count(*) from perks.grant where unique_key like '%:1')
            + (select count(*) from perks.decision where person_id = 1 or facts is not null)",
    )
    .fetch_one(&town.db)
    .await
    .expect("a count");
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn who_opted_out_does_not_get_twice_what_they_got_when_they_come_back() {
    let town = Town::start().await;
    town.folk.add(1, with_score(50.0));
    let campaign = town.offers(offer("score >= 40.0")).await;
    town.give(&campaign, 1).await;

    town.tell(1, 1, "OPTED_OUT", 0).await;
    assert_eq!(of_campaign(&town, &campaign).await, [""]);
    let forgotten = forget(&town, 1, "OPTED_OUT").await;
    assert_eq!(forgotten.forgotten[0].name, "facts");
    // Whoever is no member is not forgotten for what they are not.
    assert!(!forget(&town, 1, "ERASED").await.done);

    town.tell(2, 1, "MEMBER", 0).await;
    assert_eq!(of_campaign(&town, &campaign).await, ["1"]);
    assert!(decisions(&town, &campaign).await[0].facts.is_none());
    assert_eq!(town.says(1).await.outcome, "ALREADY_GRANTED");
}

#[tokio::test]
async fn who_is_merged_has_what_both_had() {
    let town = Town::start().await;
    (1..=3).for_each(|person| town.folk.add(person, with_score(50.0)));
    let both = town.offers(offer("score >= 40.0")).await;
    let one = town.offers(CampaignSpec { stock: Some(2), ..offer("score >= 41.0") }).await;
    let (first, second) = (town.give(&both, 1).await, town.give(&both, 2).await);
    town.give(&one, 1).await;

    town.folk.merge(1, 2);
    town.tell(1, 1, "MERGED", 2).await;
    // Told again, it changes nothing.
    town.tell(1, 1, "MERGED", 2).await;

    // Both ids list what the one person has.
    for person in [1, 2] {
        let grants = town.grants_of(person).await;
        assert_eq!(grants.len(), 3);
        assert!(grants.iter().all(|it| it.person == "2" && it.state == "CONFIRMED"));
    }
    let counted: Vec<(i64, String, i64)> = sqlx::query_as(
        "select campaign_id, key, taken from perks.budget where kind = 'PERSON' order by taken desc",
    )
    .fetch_all(&town.db)
    .await
    .expect("budgets");
    assert_eq!(
        counted,
        [
            (both.parse().expect("a number"), "2".to_owned(), 2),
            (one.parse().expect("a number"), "2".to_owned(), 1),
        ]
    );
    // It is theirs, so that they cannot have another one.
    let decided = town.reserve(&one, 2).await.expect("decided").decision.expect("always there");
    assert_eq!(decided.outcome, "ALREADY_GRANTED");
    // Each of the two can be taken back.
    for grant in [first, second] {
        let request = klout_proto::perk::v1::ReverseGrantRequest {
            campaign: both.clone(),
            grant: grant.grant,
            why: String::new(),
        };
        town.client().reverse_grant(request).await.expect("taken back");
    }
    let left: i64 = sqlx::query_scalar(
        "select sum(taken)::bigint from perks.budget where kind = 'PERSON' and campaign_id = $1",
    )
    .bind(both.parse::<i64>().expect("a number"))
    .fetch_one(&town.db)
    .await
    .expect("a sum");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn who_is_merged_gets_nothing_more_while_one_of_theirs_is_live() {
    let town = Town::start().await;
    (1..=2).for_each(|person| town.folk.add(person, with_score(50.0)));
    let campaign = town.offers(offer("score >= 40.0")).await;
    let confirmed = town.give(&campaign, 1).await;
    let reserved = town.reserve(&campaign, 2).await.expect("decided").grant.expect("reserved");

    town.folk.merge(1, 2);
    town.tell(1, 1, "MERGED", 2).await;
    let request = ReleaseGrantRequest { campaign: campaign.clone(), grant: reserved.grant };
    town.client().release_grant(request).await.expect("released");

    assert_eq!(town.says(2).await.outcome, "ALREADY_GRANTED");
    let again = ReserveGrantRequest {
        campaign: campaign.clone(),
        subject: Some(Subject::Person("2".to_owned())),
        request_id: "again".to_owned(),
        ..Default::default()
    };
    let decided = town.client().reserve_grant(again.clone()).await.expect("decided").into_inner();
    assert_eq!(decided.decision.expect("always there").outcome, "ALREADY_GRANTED");
    let request = klout_proto::perk::v1::ReverseGrantRequest {
        campaign: campaign.clone(),
        grant: confirmed.grant,
        why: String::new(),
    };
    town.client().reverse_grant(request).await.expect("taken back");
    let anew = ReserveGrantRequest { request_id: "anew".to_owned(), ..again };
    let decided = town.client().reserve_grant(anew).await.expect("decided").into_inner();
    assert!(decided.grant.is_some());
}

#[tokio::test]
async fn whoever_leaves_waits_for_no_campaign() {
    let town = Town::start().await;
    (1..=2).for_each(|person| town.folk.add(person, with_score(50.0)));
    let campaign = town.offers(offer("score >= 40.0")).await;
    let mut somebody = town.db.begin().await.expect("a transaction");
    let hold = "select campaign_id from perks.campaign for update";
    sqlx::query(hold).fetch_all(&mut *somebody).await.expect("it is held");
    let leaves = async {
        let blocked =
            "select exists (select from pg_locks where not granted and locktype <> 'advisory')";
        until("a group waits for the campaign", async || {
            sqlx::query_scalar(blocked).fetch_one(&town.db).await.expect("Postgres answers")
        })
        .await;
        town.tell(1, 2, "ERASED", 0).await;
        somebody.rollback().await.expect("nobody holds it");
    };
    let (decided, ()) = tokio::join!(town.reserve(&campaign, 1), leaves);
    assert!(decided.expect("decided").grant.is_some());
}

#[tokio::test]
async fn grants_are_listed_by_what_became_of_them() {
    let town = Town::start().await;
    (1..=5).for_each(|person| town.folk.add(person, with_score(50.0)));
    let campaign = town.offers(offer("score >= 40.0")).await;
    town.give(&campaign, 1).await;
    town.reserve(&campaign, 2).await.expect("reserved");
    let released = town.reserve(&campaign, 3).await.expect("reserved").grant.expect("one");
    let request = ReleaseGrantRequest { campaign: campaign.clone(), grant: released.grant };
    town.client().release_grant(request).await.expect("released");
    let status = async |status: &str| -> Vec<String> {
        let request = ListGrantsRequest {
            campaign: campaign.clone(),
            status: status.to_owned(),
            ..Default::default()
        };
        town.grants(request).await.expect("listed").grants.into_iter().map(|it| it.person).collect()
    };
    assert_eq!(status("OPEN").await, ["2"]);
    assert_eq!(status("CLAIMED").await, ["1"]);
    assert_eq!(status("EXPIRED").await, ["3"]);
    assert_eq!(status("").await, ["3", "2", "1"]);

    // Page by page.
    let mut request =
        ListGrantsRequest { campaign: campaign.clone(), page_size: 1, ..Default::default() };
    let mut seen = Vec::new();
    loop {
        let page = town.grants(request.clone()).await.expect("a page");
        seen.extend(page.grants.into_iter().map(|it| it.person));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["3", "2", "1"]);
    let neither = town.grants(ListGrantsRequest::default()).await.expect_err("of whom?");
    assert_eq!(told(&neither).1, "FIELD_INVALID");
}

/// Whoever adds a table that names people has them masked, forgotten, described and moved, and names it here.
#[tokio::test]
async fn every_table_that_names_people_is_known() {
    let town = Town::start().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "
        select table_name::text from information_schema.columns
        -- A count names as far as which id it got, and nobody.
        where table_schema = 'perks' and column_name like '%person%' and table_name <> 'preview'
        union
        -- Its keys are of several kinds.
        select table_name::text from information_schema.columns
        where table_schema = 'perks' and table_name = 'budget'
        order by 1
        ",
    )
    .fetch_all(&town.db)
    .await
    .expect("the tables");
    assert_eq!(tables, ["arrival", "budget", "check_in", "decision", "grant", "person_state"]);
}
