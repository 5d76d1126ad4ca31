use klout_chassis::{Clock, reason};
use klout_proto::perk::v1::{
    Arrival, ListArrivalsRequest, MarkArrivalsRequest, MarkArrivalsResponse,
};
use tonic::Status;

use crate::hotel::{Hotel, PALMS, check_in, guest, palms, spec, until_offered};

/// A day that is today or tomorrow at the property.
fn today() -> String {
    Clock::running().now().date().to_string()
}

fn arrival(stay: &str, email: &str) -> Arrival {
    Arrival {
        stay: stay.to_owned(),
        guest: Some(guest(email)),
        booked_category: "KING".to_owned(),
        ..Default::default()
    }
}

async fn mark(hotel: &Hotel, arrivals: Vec<Arrival>) -> Result<MarkArrivalsResponse, Status> {
    let request =
        MarkArrivalsRequest { property: PALMS.to_owned(), arrival_day: today(), arrivals };
    hotel.desk().mark_arrivals(request).await.map(tonic::Response::into_inner)
}

async fn list(hotel: &Hotel) -> Vec<Arrival> {
    let (mut arrivals, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListArrivalsRequest {
            property: PALMS.to_owned(),
            arrival_day: today(),
            page_size: 2,
            page_token,
        };
        let page = hotel.desk().list_arrivals(request).await.expect("listed").into_inner();
        arrivals.extend(page.arrivals);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return arrivals;
        }
    }
}

#[tokio::test]
async fn a_night_marks_who_could_be_offered_what_and_takes_nothing() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let guests = vec![
        arrival("S-1", "ada@example.org"),
        arrival("S-2", "bob@example.org"),
        arrival("S-3", "nobody@example.org"),
    ];
    let marked = mark(&hotel, guests.clone()).await.expect("marked");
    assert_eq!((marked.marked, marked.offers), (3, 1));
    let listed = list(&hotel).await;
    let said: Vec<_> = listed
        .iter()
        .map(|it| (it.stay.as_str(), it.outcome.as_str(), it.reason.as_str()))
        .collect();
    let expected = [
        ("S-1", "OFFER", "QUALIFIES"),
        ("S-2", "NO_OFFER", "RULE_FAILED"),
        ("S-3", "NO_OFFER", "GUEST_UNKNOWN"),
    ];
    assert_eq!(said, expected);
    assert_eq!(listed[0].categories, ["SUITE", "VIEW"]);
    assert_eq!(listed[0].line, "May I offer you a suite at The Palms?");
    assert!(listed.iter().all(|it| it.guest.is_none()));
    assert_eq!(hotel.given(&campaign).await, (0, 0));
    // Marked anew.
    let marked = mark(&hotel, guests).await.expect("marked");
    assert_eq!((marked.marked, list(&hotel).await.len()), (3, 3));
}

#[tokio::test]
async fn a_mark_decides_when_scoring_does_not_answer_and_says_so() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let guests = vec![
        arrival("S-1", "ada@example.org"),
        arrival("S-2", "bob@example.org"),
        arrival("S-3", "ada@example.org"),
    ];
    mark(&hotel, guests).await.expect("marked");
    hotel.way_to_scoring.cut();
    let answer = until_offered(&hotel.running, &check_in("S-1", "ada@example.org")).await;
    assert!(answer.stale && answer.recorded && answer.score_time.is_some(), "{answer:?}");
    let answer = hotel.decide(check_in("S-2", "bob@example.org")).await;
    // What was known last night refuses nobody for good.
    assert_eq!((answer.reason.as_str(), answer.recorded), ("PEER_UNAVAILABLE", false));
    // The reservation is another guest's by now.
    let answer = hotel.decide(check_in("S-3", "bob@example.org")).await;
    assert_eq!((answer.reason.as_str(), answer.recorded), ("PEER_UNAVAILABLE", false));
    // A stay that was not marked.
    let answer = hotel.decide(check_in("S-4", "ada@example.org")).await;
    assert_eq!((answer.reason.as_str(), answer.recorded), ("PEER_UNAVAILABLE", false));
    assert_eq!(hotel.given(&campaign).await, (1, 0));
}

#[tokio::test]
async fn a_guest_of_whom_nothing_can_be_found_out_keeps_the_mark_and_no_other_waits_for_it() {
    let (hotel, _) = Hotel::with_offer().await;
    hotel.members.join("eve@example.org", 73, 80.0);
    mark(&hotel, vec![arrival("S-2", "eve@example.org")]).await.expect("marked");
    // A score that cannot be.
    hotel.members.join("eve@example.org", 73, 4_711.0);
    let guests = vec![
        arrival("S-1", "ada@example.org"),
        arrival("S-2", "eve@example.org"),
        arrival("S-3", "bob@example.org"),
    ];
    let marked = mark(&hotel, guests).await.expect("marked");
    assert_eq!((marked.marked, marked.offers, marked.left_out), (2, 1, 1));
    let said: Vec<_> = list(&hotel).await.into_iter().map(|it| (it.stay, it.outcome)).collect();
    let expected = [("S-1", "OFFER"), ("S-2", "OFFER"), ("S-3", "NO_OFFER")];
    assert_eq!(said, expected.map(|(stay, outcome)| (stay.to_owned(), outcome.to_owned())));
    // Nobody of whom anything could be found out: then it is not the guests.
    let status = mark(&hotel, vec![arrival("S-2", "eve@example.org")]).await.expect_err("refused");
    assert_eq!(reason(&status).as_deref(), Some("PEER_UNAVAILABLE"));
}

#[tokio::test]
async fn a_day_of_a_property_has_ten_thousand_marks_at_most() {
    let (hotel, _) = Hotel::with_offer().await;
    mark(&hotel, vec![arrival("S-1", "ada@example.org")]).await.expect("marked");
    let others = "insert into perks.arrival
                      (property, arrival_day, stay, guest, booked_category, outcome, reason, categories, line,
                      disclosure, mark_time)
                  select property, arrival_day, 'O-' || number, guest, booked_category, 'NO_OFFER', 'GUEST_UNKNOWN', '{}',
                      '', '', mark_time
                  from perks.arrival cross join generate_series(1, 9998) as number";
    sqlx::query(others).execute(&hotel.stores.db().await).await.expect("there are many");
    mark(&hotel, vec![arrival("S-2", "bob@example.org")]).await.expect("the last one");
    let status = mark(&hotel, vec![arrival("S-3", "bob@example.org")]).await.expect_err("refused");
    assert_eq!(reason(&status).as_deref(), Some("FIELD_INVALID"));
    // One that is there is marked anew, and the mark that was too much is not there.
    mark(&hotel, vec![arrival("S-2", "ada@example.org")]).await.expect("marked");
    let count: i64 = sqlx::query_scalar("select count(*) from perks.arrival")
        .fetch_one(&hotel.stores.db().await)
        .await
        .expect("counted");
    assert_eq!(count, 10_000);
}

#[tokio::test]
async fn who_has_left_since_the_mark_has_no_offer() {
    let (hotel, _) = Hotel::with_offer().await;
    hotel.members.join("eve@example.org", 73, 80.0);
    let emails = ["ada@example.org", "eve@example.org"];
    let guests = emails.iter().zip(1..).map(|(email, it)| arrival(&format!("S-{it}"), email));
    mark(&hotel, guests.collect()).await.expect("marked");
    hotel.tell_state(71, 1, "ERASED", &[]).await;
    hotel.tell_state(73, 2, "MEMBER", &["perks"]).await;
    for arrival in list(&hotel).await {
        assert_eq!(arrival.outcome, "NO_OFFER", "{arrival:?}");
        assert!(arrival.line.is_empty() && arrival.categories.is_empty(), "{arrival:?}");
    }
    // Nor from the mark, when nobody else can be asked.
    hotel.way_to_scoring.cut();
    for (email, stay) in emails.iter().zip(["S-1", "S-2"]) {
        let answer = hotel.decide(check_in(stay, email)).await;
        assert_eq!(answer.outcome, "NO_OFFER", "{answer:?}");
    }
}

#[tokio::test]
async fn arrivals_that_cannot_be_are_refused() {
    let hotel = Hotel::open().await;
    hotel.offer(spec()).await;
    let refused = async |arrivals: Vec<Arrival>| {
        let status = mark(&hotel, arrivals).await.expect_err("refused");
        reason(&status).unwrap_or_default()
    };
    assert_eq!(refused(vec![arrival("", "ada@example.org")]).await, "FIELD_INVALID");
    let twice = vec![arrival("S-1", "ada@example.org"), arrival("S-1", "bob@example.org")];
    assert_eq!(refused(twice).await, "FIELD_INVALID");
    let tent = Arrival { booked_category: "TENT".to_owned(), ..arrival("S-1", "ada@example.org") };
    assert_eq!(refused(vec![tent]).await, "FIELD_INVALID");
    assert_eq!(refused(vec![arrival("S", "a@example.org"); 1_001]).await, "FIELD_INVALID");
    let mut crowd = arrival("S-1", "ada@example.org");
    let contacts = crowd.guest.as_mut().and_then(|it| it.contacts.as_mut()).expect("some");
    contacts.emails = vec!["ada@example.org".to_owned(); 26];
    assert_eq!(refused(vec![crowd]).await, "FIELD_INVALID");
    for day in ["tomorrow", "2012-05-08", "2999-01-01"] {
        let request = MarkArrivalsRequest {
            property: PALMS.to_owned(),
            arrival_day: day.to_owned(),
            arrivals: Vec::new(),
        };
        let status = hotel.desk().mark_arrivals(request).await.expect_err("refused");
        assert_eq!(reason(&status).as_deref(), Some("FIELD_INVALID"), "{day}");
    }
}

#[tokio::test]
async fn a_sandbox_has_arrivals_too() {
    let hotel = Hotel::open().await;
    let mut property = palms();
    property.property = "sandbox".to_owned();
    property.sandbox = true;
    hotel.build(property).await.expect("a property");
    let guests = vec![arrival("S-1", "ada@sandbox.example"), arrival("S-2", "bob@sandbox.example")];
    let request = MarkArrivalsRequest {
        property: "sandbox".to_owned(),
        arrival_day: today(),
        arrivals: guests,
    };
    let marked = hotel.desk().mark_arrivals(request).await.expect("marked").into_inner();
    assert_eq!((marked.marked, marked.offers), (2, 1));
    let request = ListArrivalsRequest {
        property: "sandbox".to_owned(),
        arrival_day: today(),
        ..Default::default()
    };
    let listed = hotel.desk().list_arrivals(request).await.expect("listed").into_inner();
    assert_eq!(listed.arrivals[0].categories, ["SUITE", "VIEW"]);
    assert_eq!(listed.arrivals[1].reason, "RULE_FAILED");
}
