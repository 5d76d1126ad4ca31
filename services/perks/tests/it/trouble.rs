//! A desk is told something within its deadline, whatever happens behind it.

use std::time::Duration;

use klout_chassis::Running;
use klout_proto::perk::v1::{
    CampaignSpec, DecideCheckInRequest, DecideCheckInResponse, ReleaseGrantRequest,
};
use klout_testkit::{Proxy, Stores, until};
use sqlx::Executor as _;

use crate::hotel::{
    Hotel, check_in, decide_at, hold, is_held_up, spec, until_held_up, until_offered, upgrade,
};

/// Begins a trouble.
type Begin<T> = fn(&T);

/// A guest for whom there is always a suite.
fn patient_guest(stay: &str, email: &str) -> DecideCheckInRequest {
    DecideCheckInRequest { upgrades: vec![upgrade("SUITE", 100)], ..check_in(stay, email) }
}

/// The same, as long as a desk waits that says nothing.
fn waiting_guest(stay: &str, email: &str) -> DecideCheckInRequest {
    DecideCheckInRequest { deadline: None, ..patient_guest(stay, email) }
}

/// There is no offer, and it is decided anew when the desk asks again.
fn assert_nothing(answer: &DecideCheckInResponse, reasons: &[&str]) {
    assert_eq!(answer.outcome, "NO_OFFER", "{answer:?}");
    assert!(reasons.contains(&answer.reason.as_str()), "{answer:?}");
    assert!(!answer.recorded && !answer.explanation.is_empty(), "{answer:?}");
    assert!(answer.grant.is_empty() && answer.line.is_empty(), "{answer:?}");
}

/// Asks a desk while somebody holds the campaign, so that its deadline passes while its reservation waits. One that has not
/// come so far when the deadline passes asks again, so that it does not matter how quick the machine is.
async fn give_up(hotel: &Hotel, desk: &Running, asked: &DecideCheckInRequest) {
    loop {
        let answer = decide_at(desk, asked.clone()).await.expect("always told something");
        assert_nothing(&answer, &["DEADLINE_PASSED", "PEER_UNAVAILABLE"]);
        if answer.reason == "DEADLINE_PASSED" && is_held_up(hotel).await {
            return;
        }
    }
}

/// What a desk is told in the end that asks until it is told something for good.
async fn until_recorded(desk: &Running, asked: &DecideCheckInRequest) -> DecideCheckInResponse {
    loop {
        let answer = decide_at(desk, asked.clone()).await.expect("always told something");
        if answer.recorded {
            return answer;
        }
    }
}

#[tokio::test]
async fn a_desk_works_while_scoring_is_away_slow_or_wrong() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let troubles: [(&str, Begin<Hotel>); 5] = [
        ("away", |it| it.way_to_scoring.cut()),
        ("slow", |it| it.way_to_scoring.slow_down(Duration::from_secs(2))),
        ("stuck", |it| it.way_to_scoring.hang()),
        ("failing", |it| it.scoring.fail()),
        ("talking nonsense", |it| it.scoring.talk_nonsense()),
    ];
    for (trouble, begin) in troubles {
        let asked = waiting_guest(trouble, "ada@example.org");
        begin(&hotel);
        let answer = hotel.decide(asked.clone()).await;
        assert_nothing(&answer, &["PEER_UNAVAILABLE", "DEADLINE_PASSED"]);
        hotel.way_to_scoring.clear_up();
        hotel.scoring.be_right();
        let patient = patient_guest(trouble, "ada@example.org");
        let answer = until_offered(&hotel.running, &patient).await;
        assert!(answer.recorded && !answer.stale, "{trouble}");
    }
    until("nothing else is reserved", async || hotel.given(&campaign).await == (5, 0)).await;
}

#[tokio::test]
async fn a_desk_works_while_postgres_restarts() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let (stores, way) = hotel.stores.clone().with_disturbed_postgres().await;
    let desk = hotel.another_desk_on(&stores, &[]).await;
    // Of a property that was never read nothing is known, and of one that was, it is remembered.
    let troubles: [(&str, Begin<Proxy>); 2] = [("away", |it| it.cut()), ("stuck", |it| it.hang())];
    for (trouble, begin) in troubles {
        for is_known in [false, true] {
            let stay = format!("{trouble}-{is_known}");
            if is_known {
                let first = patient_guest(&format!("{stay}-first"), "bob@example.org");
                until("Postgres is back", async || {
                    let answer = decide_at(&desk, first.clone()).await;
                    answer.expect("always told something").recorded
                })
                .await;
            }
            begin(&way);
            let asked = waiting_guest(&stay, "ada@example.org");
            let answer = decide_at(&desk, asked).await.expect("always told something");
            assert_nothing(&answer, &["STORE_UNAVAILABLE", "DEADLINE_PASSED"]);
            way.clear_up();
            until_offered(&desk, &patient_guest(&stay, "ada@example.org")).await;
        }
    }
    until("nothing else is reserved", async || hotel.given(&campaign).await == (4, 0)).await;
}

#[tokio::test]
async fn what_is_reserved_after_the_deadline_is_given_back_by_its_id() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let db = hotel.stores.db().await;
    // Somebody else has the campaign, so that the reservation waits.
    let mut holding = db.begin().await.expect("Postgres answers");
    sqlx::query("select from perks.campaign where campaign_id = $1 for update")
        .bind(campaign.parse::<i64>().expect("a number"))
        .execute(&mut *holding)
        .await
        .expect("held");
    give_up(&hotel, &hotel.running, &waiting_guest("S-1", "ada@example.org")).await;

    holding.rollback().await.expect("let go");
    // It is reserved only now, and then released.
    let released = "select count(*) from perks.grant where state = 'RELEASED'";
    until("the reservation is given back", async || {
        let count: i64 = sqlx::query_scalar(released).fetch_one(&db).await.expect("counted");
        count > 0 && hotel.given(&campaign).await == (0, 0)
    })
    .await;
    let state: String = sqlx::query_scalar("select state from perks.check_in where stay = 'S-1'")
        .fetch_one(&db)
        .await
        .expect("it is written down");
    assert_eq!(state, "WITHDRAWN");

    // The guest still stands there.
    let answer = hotel.decide(patient_guest("S-1", "ada@example.org")).await;
    assert_eq!((answer.outcome.as_str(), answer.is_repeat), ("OFFER", false));
    assert_eq!(hotel.given(&campaign).await, (1, 0));
}

#[tokio::test]
async fn what_another_desk_has_told_is_not_withdrawn() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let db = hotel.stores.db().await;
    let mut holding = db.begin().await.expect("Postgres answers");
    sqlx::query("select from perks.campaign where campaign_id = $1 for update")
        .bind(campaign.parse::<i64>().expect("a number"))
        .execute(&mut *holding)
        .await
        .expect("held");
    // The first desk gives up; the second one waits for the same stay, whichever of them is served first.
    let other = hotel.another_desk().await;
    let patient = patient_guest("S-1", "ada@example.org");
    let waiting = until_recorded(&other, &patient);
    let giving_up = async {
        give_up(&hotel, &hotel.running, &waiting_guest("S-1", "ada@example.org")).await;
        holding.rollback().await.expect("let go");
    };
    let (told, ()) = tokio::join!(waiting, giving_up);
    assert_eq!(told.outcome, "OFFER");
    // What was told stays: one is reserved, and it is that one.
    until("one alone is reserved", async || hotel.given(&campaign).await == (1, 0)).await;
    let again = hotel.decide(patient).await;
    assert_eq!((again.outcome.as_str(), &again.grant), ("OFFER", &told.grant));
}

#[tokio::test]
async fn that_there_is_nothing_is_not_withdrawn_either_once_another_desk_has_told_it() {
    let hotel = Hotel::open().await;
    let campaign = hotel.offer(CampaignSpec { stock: Some(1), ..spec() }).await;
    let first = hotel.decide(patient_guest("S-0", "ada@example.org")).await;
    let mut holding = hold(&hotel, &campaign).await;
    let slow = hotel.another_desk().await;
    let patient = patient_guest("S-1", "ada@example.org");
    let waiting = until_recorded(&hotel.running, &patient);
    let giving_up = async {
        give_up(&hotel, &slow, &waiting_guest("S-1", "ada@example.org")).await;
        holding.execute("rollback").await.expect("let go");
    };
    let (told, ()) = tokio::join!(waiting, giving_up);
    assert_eq!((told.reason.as_str(), told.recorded), ("SOLD_OUT", true));
    // Then nobody withdraws anything any more.
    slow.stop().await.expect("stopped in order");
    let request = ReleaseGrantRequest { campaign, grant: first.grant };
    hotel.perks().release_grant(request).await.expect("there is one again");
    let again = hotel.decide(patient).await;
    assert_eq!((again.reason.as_str(), again.is_repeat), ("SOLD_OUT", true));
}

#[tokio::test]
async fn what_was_confirmed_in_time_is_not_told_to_have_ended_while_that_is_written_down() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let asked = patient_guest("S-1", "ada@example.org");
    let first = hotel.decide(asked.clone()).await;
    // Another replica is about to commit that it is confirmed, and then its time is over.
    let mut confirming = hold(&hotel, &campaign).await;
    let over = "update perks.grant set expire_time = reserve_time + interval '1 microsecond'";
    sqlx::query(over).execute(&hotel.stores.db().await).await.expect("it is over");
    let confirmed = async {
        until_held_up(&hotel).await;
        for statement in [
            "update perks.grant set state = 'CONFIRMED', confirm_time = reserve_time",
            "update perks.campaign set reserved = 0, confirmed = 1",
            "commit",
        ] {
            confirming.execute(statement).await.expect("confirmed");
        }
    };
    let (again, ()) = tokio::join!(hotel.decide(asked), confirmed);
    assert_eq!((again.outcome.as_str(), &again.grant), ("OFFER", &first.grant), "{again:?}");
}

#[tokio::test]
async fn a_property_that_cannot_be_read_is_no_error() {
    let hotel = Hotel::open_on(Stores::fresh().await).await;
    let (stores, way) = hotel.stores.clone().with_disturbed_postgres().await;
    let desk = hotel.another_desk_on(&stores, &[]).await;
    way.cut();
    let answer = decide_at(&desk, waiting_guest("S-1", "ada@example.org")).await;
    let answer = answer.expect("always told something");
    assert_nothing(&answer, &["STORE_UNAVAILABLE", "DEADLINE_PASSED"]);
    way.clear_up();
}
