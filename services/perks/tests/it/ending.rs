//! A reservation ends once: confirmed, released or over; and what was confirmed is taken back once.

use std::time::Duration;

use klout_chassis::{Clock, reason};
use klout_proto::{
    convert::timestamp,
    perk::v1::{
        Budgets, CampaignSpec, ConfirmGrantRequest, Grant, ReplayDecisionRequest,
        ReserveGrantRequest,
    },
};
use klout_testkit::until;
use tokio::task::JoinSet;
use tonic::Status;

use crate::giving::{Giving, ask, offer};

fn why(result: Result<Grant, Status>) -> String {
    reason(&result.expect_err("refused")).unwrap_or_default()
}

#[tokio::test]
async fn each_step_can_be_repeated_and_what_is_past_it_is_said() {
    let giving = Giving::start(1).await;
    let campaign = giving.campaign(offer(Some(3))).await;
    let grant = giving.given(ask(&campaign, 50, "a")).await;
    assert_eq!(grant.state, "RESERVED");
    assert_eq!(why(giving.reverse(&grant).await), "GRANT_NOT_CONFIRMED");
    let confirmed = giving.confirm(&grant).await.expect("confirmed");
    assert_eq!(confirmed.state, "CONFIRMED");
    assert!(confirmed.confirm_time.is_some());
    assert_eq!(giving.confirm(&grant).await.expect("again"), confirmed);
    assert_eq!(giving.counts(&campaign).await, (0, 1, 150));
    assert_eq!(why(giving.release(&grant).await), "GRANT_CONFIRMED");
    let reversed = giving.reverse(&grant).await.expect("reversed");
    assert_eq!(reversed.state, "REVERSED");
    for _ in 0..3 {
        assert_eq!(giving.reverse(&grant).await.expect("again"), reversed);
    }
    assert_eq!(giving.counts(&campaign).await, (0, 0, 0), "it came back once");
    assert_eq!(why(giving.confirm(&grant).await), "GRANT_ENDED");

    let grant = giving.given(ask(&campaign, 51, "b")).await;
    let released = giving.release(&grant).await.expect("released");
    assert_eq!((released.state.as_str(), released.end_time.is_some()), ("RELEASED", true));
    assert_eq!(giving.release(&grant).await.expect("again"), released);
    assert_eq!(why(giving.confirm(&grant).await), "GRANT_ENDED");
    assert_eq!(giving.counts(&campaign).await, (0, 0, 0));

    let unknown = [
        Grant { grant: "77".to_owned(), ..grant.clone() },
        Grant { campaign: "77".to_owned(), ..grant.clone() },
        Grant { grant: "seven".to_owned(), ..grant },
    ];
    for grant in unknown {
        assert_eq!(why(giving.confirm(&grant).await), "GRANT_UNKNOWN");
        assert_eq!(why(giving.release(&grant).await), "GRANT_UNKNOWN");
        assert_eq!(why(giving.reverse(&grant).await), "GRANT_UNKNOWN");
    }
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn all_that_is_over_is_given_to_whoever_asks_next() {
    let giving = Giving::start(1).await;
    let spec = CampaignSpec {
        unique_per: "STAY".to_owned(),
        budgets: Some(Budgets { per_person: Some(1), ..Default::default() }),
        ..offer(None)
    };
    let campaign = giving.campaign(spec).await;
    let of = |person: i64, stay: &str| ReserveGrantRequest {
        stay: stay.to_owned(),
        ..ask(&campaign, person, stay)
    };
    let mut calls = JoinSet::new();
    // On one connection: a listener may turn hundreds away that come at once.
    let client = giving.client();
    for person in 1_000..1_300_i64 {
        let (mut client, request) = (client.clone(), of(person, &person.to_string()));
        calls.spawn(async move { client.reserve_grant(request).await.expect("decided") });
    }
    calls.join_all().await;
    giving.given(of(50, "the last")).await;
    // His is the last that was over, behind more than are ended at once.
    let passed = "update perks.grant set expire_time = now()
        - case when person_id = 50 then interval '1 second' else interval '1 minute' end";
    sqlx::query(passed).execute(&giving.db).await.expect("Postgres answers");
    giving.given(of(50, "the next")).await;
    assert_eq!(giving.counts(&campaign).await, (1, 0, 150));
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn who_waits_until_a_campaign_is_over_gets_nothing_and_a_replay_says_so_too() {
    let giving = Giving::start(1).await;
    let mut spec = offer(None);
    let campaign = giving.campaign(spec.clone()).await;
    let end = Clock::running().now() + Duration::from_secs(2);
    spec.end_time = Some(timestamp(end));
    giving.change(&campaign, spec).await;
    let mut somebody = giving.db.begin().await.expect("a transaction");
    let hold = "select campaign_id from perks.campaign for update";
    sqlx::query(hold).fetch_all(&mut *somebody).await.expect("it is held");
    let over = async {
        until("it is over", async || Clock::running().now() > end).await;
        somebody.rollback().await.expect("nobody holds it");
    };
    let (response, ()) = tokio::join!(giving.reserve(ask(&campaign, 50, "a")), over);
    let decision = response.expect("decided").decision.expect("always there");
    assert_eq!(decision.outcome, "NOT_ACTIVE");
    let request = ReplayDecisionRequest { campaign, decision: decision.decision };
    let replayed = giving.client().replay_decision(request).await.expect("replayed").into_inner();
    assert!(replayed.same);
    assert_eq!(replayed.evaluation.expect("always there").outcome, "NOT_ACTIVE");
}

#[tokio::test]
async fn reservations_that_nobody_confirms_come_back_by_themselves_in_every_campaign() {
    let giving = Giving::start(2).await;
    let mut campaigns = Vec::new();
    for number in 0..5 {
        let campaign = giving.campaign(offer(Some(2))).await;
        for person in [50, 51] {
            let request = ask(&campaign, person, &format!("{number}/{person}"));
            let grant = giving.given(request).await;
            if person == 50 {
                giving.let_time_pass(&grant).await;
            }
        }
        campaigns.push(campaign);
    }
    let ended =
        "select count(*) from perks.grant where state = 'EXPIRED' and end_time = expire_time";
    until("all are over", async || {
        let ended: i64 = sqlx::query_scalar(ended).fetch_one(&giving.db).await.expect("a count");
        ended == 5
    })
    .await;
    for campaign in campaigns {
        assert_eq!(giving.counts(&campaign).await, (1, 0, 150));
    }
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn what_is_over_is_over_whether_or_not_it_was_written_down() {
    let giving = Giving::start(1).await;
    let campaign = giving.campaign(offer(Some(1))).await;
    for turn in 0..5 {
        let grant = giving.given(ask(&campaign, 50, &format!("{turn}"))).await;
        giving.let_time_pass(&grant).await;
        assert_eq!(why(giving.confirm(&grant).await), "GRANT_ENDED");
        let released = giving.release(&grant).await.expect("nothing to do");
        assert_eq!(released.state, "EXPIRED");
    }
    giving.given(ask(&campaign, 50, "last")).await;
    assert_eq!(giving.counts(&campaign).await, (1, 0, 150));
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn a_confirmation_and_the_end_of_a_reservation_race_and_one_of_them_wins() {
    let giving = Giving::start(2).await;
    let campaign = giving.campaign(offer(None)).await;
    let mut grants = Vec::new();
    for person in 100..140 {
        grants.push(giving.given(ask(&campaign, person, &person.to_string())).await);
    }
    let mut confirmations = JoinSet::new();
    for (number, grant) in grants.iter().enumerate() {
        let mut client = giving.client_of(number);
        let Grant { campaign, grant: id, .. } = grant.clone();
        confirmations.spawn(async move {
            client.confirm_grant(ConfirmGrantRequest { campaign, grant: id }).await.is_ok()
        });
        giving.let_time_pass(grant).await;
    }
    let confirmed = confirmations.join_all().await.into_iter().filter(|it| *it).count();
    let open = "select count(*) from perks.grant where state = 'RESERVED'";
    until("all have ended", async || {
        let open: i64 = sqlx::query_scalar(open).fetch_one(&giving.db).await.expect("a count");
        open == 0
    })
    .await;
    let confirmed = i64::try_from(confirmed).expect("few");
    assert_eq!(giving.counts(&campaign).await, (0, confirmed, confirmed * 150));
    giving.assert_books_add_up().await;
}
