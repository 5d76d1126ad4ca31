use std::collections::BTreeSet;

use klout_proto::{
    graph::v1::Contacts,
    perk::v1::{
        CampaignSpec, Category, ConfirmGrantRequest, DecideCheckInRequest, DecideCheckInResponse,
        Guest, ReleaseGrantRequest,
    },
};
use sqlx::Executor as _;

use crate::hotel::{
    Hotel, check_in, decide_at, guest, hash_of, hold, spec, until_held_up, upgrade,
};

#[tokio::test]
async fn a_guest_who_qualifies_is_offered_the_best_that_is_free() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let answer = hotel.decide(check_in("S-1", "ada@example.org")).await;
    assert_eq!((answer.outcome.as_str(), answer.reason.as_str()), ("OFFER", "QUALIFIES"));
    assert_eq!((answer.category.as_str(), &answer.campaign), ("SUITE", &campaign));
    assert_eq!(answer.line, "May I offer you a suite at The Palms?");
    assert_eq!(answer.disclosure, "The hotel gives it.");
    assert!(answer.recorded && !answer.is_repeat && !answer.stale && answer.expire_time.is_some());
    assert_eq!(hotel.given(&campaign).await, (1, 0));
}

#[tokio::test]
async fn a_guest_whom_a_desk_knows_by_a_hash_alone_is_offered_the_same() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let by_hash = |stay: &str| {
        let email_hashes = vec![hash_of("ada@example.org")];
        let contacts = Some(Contacts { email_hashes, ..Default::default() });
        let guest = Some(Guest { contacts, ..Default::default() });
        DecideCheckInRequest { guest, ..check_in(stay, "") }
    };
    let answer = hotel.decide(by_hash("S-1")).await;
    assert_eq!((answer.outcome.as_str(), answer.category.as_str()), ("OFFER", "SUITE"));
    hotel.members.withhold("ada@example.org", "perks");
    assert_eq!(hotel.decide(by_hash("S-2")).await.reason, "GUEST_UNKNOWN");
    assert_eq!(hotel.given(&campaign).await, (1, 0));
}

#[tokio::test]
async fn nobody_is_told_an_error_for_a_guest_who_is_unknown() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let answer = hotel.decide(check_in("S-1", "nobody@example.org")).await;
    assert_eq!((answer.outcome.as_str(), answer.reason.as_str()), ("NO_OFFER", "GUEST_UNKNOWN"));
    assert!(answer.recorded);
    // The desk asks for another address, and the guest is somebody by that.
    let answer = hotel.decide(check_in("S-1", "ada@example.org")).await;
    assert_eq!((answer.outcome.as_str(), answer.is_repeat), ("OFFER", false));
    let unnamed = DecideCheckInRequest { guest: None, ..check_in("S-2", "") };
    assert_eq!(hotel.decide(unnamed).await.reason, "GUEST_UNKNOWN");
    assert_eq!(hotel.given(&campaign).await, (1, 0));
}

#[tokio::test]
async fn who_does_not_consent_to_perks_is_nobody() {
    let (hotel, _) = Hotel::with_offer().await;
    hotel.members.withhold("ada@example.org", "perks");
    let answer = hotel.decide(check_in("S-1", "ada@example.org")).await;
    assert_eq!((answer.outcome.as_str(), answer.reason.as_str()), ("NO_OFFER", "GUEST_UNKNOWN"));
}

#[tokio::test]
async fn a_desk_is_told_why_a_guest_does_not_qualify() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let answer = hotel.decide(check_in("S-1", "bob@example.org")).await;
    assert_eq!((answer.outcome.as_str(), answer.reason.as_str()), ("NO_OFFER", "RULE_FAILED"));
    assert!(answer.explanation.contains("you have 38"), "{}", answer.explanation);
    assert!(answer.line.is_empty() && answer.grant.is_empty());
    assert_eq!(hotel.given(&campaign).await, (0, 0));
}

#[tokio::test]
async fn there_is_no_offer_without_a_campaign_or_something_better() {
    let hotel = Hotel::open().await;
    assert_eq!(hotel.decide(check_in("S-1", "ada@example.org")).await.reason, "NO_CAMPAIGN");
    hotel.offer(spec()).await;
    let best = DecideCheckInRequest {
        booked_category: "SUITE".to_owned(),
        ..check_in("S-2", "ada@example.org")
    };
    assert_eq!(hotel.decide(best).await.reason, "NO_UPGRADE");
    let full = DecideCheckInRequest {
        upgrades: vec![upgrade("SUITE", 0)],
        ..check_in("S-3", "ada@example.org")
    };
    assert_eq!(hotel.decide(full).await.reason, "NO_UPGRADE");
}

#[tokio::test]
async fn a_campaign_gives_the_categories_that_it_names() {
    let hotel = Hotel::open().await;
    let mut spec = spec();
    spec.benefit.as_mut().expect("one").categories = vec!["VIEW".to_owned()];
    hotel.offer(spec).await;
    assert_eq!(hotel.decide(check_in("S-1", "ada@example.org")).await.category, "VIEW");
    let suite = DecideCheckInRequest {
        upgrades: vec![upgrade("SUITE", 1)],
        ..check_in("S-2", "ada@example.org")
    };
    assert_eq!(hotel.decide(suite).await.reason, "NO_UPGRADE");
}

#[tokio::test]
async fn what_gives_nothing_on_purpose_is_written_down_beside_what_gives() {
    let hotel = Hotel::open().await;
    let shadow = hotel.offer(CampaignSpec { shadow: true, ..spec() }).await;
    let answer = hotel.decide(check_in("S-1", "ada@example.org")).await;
    assert_eq!((answer.outcome.as_str(), answer.reason.as_str()), ("NO_OFFER", "NO_CAMPAIGN"));
    assert_eq!(hotel.outcomes(&shadow).await, ["SHADOW"]);
    let half = hotel.offer(CampaignSpec { hold_out_share: 0.5, stock: None, ..spec() }).await;
    let mut reasons = BTreeSet::new();
    // So many that hardly ever all of them fall on one side.
    for number in 0..40 {
        let email = format!("guest{number}@example.org");
        hotel.members.join(&email, 1_000 + number, 60.0);
        let asked = DecideCheckInRequest {
            upgrades: vec![upgrade("SUITE", 100)],
            ..check_in(&format!("H-{number}"), &email)
        };
        reasons.insert(hotel.decide(asked).await.reason);
    }
    assert_eq!(reasons, ["HELD_OUT".to_owned(), "QUALIFIES".to_owned()].into());
    assert_eq!(hotel.outcomes(&shadow).await.len(), 41);
    let outcomes: BTreeSet<String> = hotel.outcomes(&half).await.into_iter().collect();
    assert_eq!(outcomes, ["HELD_OUT".to_owned(), "RESERVED".to_owned()].into());
}

#[tokio::test]
async fn what_was_told_of_a_stay_is_told_again_with_what_became_of_it() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let asked = check_in("S-1", "ada@example.org");
    let first = hotel.decide(asked.clone()).await;
    let again = hotel.decide(asked.clone()).await;
    assert!(again.is_repeat && again.recorded);
    let mut same = again.clone();
    same.is_repeat = false;
    assert_eq!(same, first);

    // Another desk, on another replica.
    let other = hotel.another_desk().await;
    let told = decide_at(&other, asked.clone()).await.expect("always told something");
    assert_eq!(told, again);

    let grant = first.grant.clone();
    let request = ReleaseGrantRequest { campaign: campaign.clone(), grant };
    hotel.perks().release_grant(request).await.expect("released");
    let ended = hotel.decide(asked).await;
    assert_eq!((ended.outcome.as_str(), ended.reason.as_str()), ("NO_OFFER", "GRANT_ENDED"));
    assert!(ended.is_repeat && ended.line.is_empty() && ended.category.is_empty());

    let asked = check_in("S-2", "ada@example.org");
    let grant = hotel.decide(asked.clone()).await.grant;
    let request = ConfirmGrantRequest { campaign: campaign.clone(), grant };
    hotel.perks().confirm_grant(request).await.expect("confirmed");
    assert_eq!(hotel.decide(asked).await.outcome, "OFFER");
    assert_eq!(hotel.given(&campaign).await, (0, 1));
}

#[tokio::test]
async fn a_stay_is_of_one_guest_and_one_room() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let first = hotel.decide(check_in("S-1", "ada@example.org")).await;
    let told = |answer: &DecideCheckInResponse| {
        (answer.outcome.clone(), answer.reason.clone(), answer.recorded)
    };
    let reused = ("NO_OFFER".to_owned(), "STAY_REUSED".to_owned(), false);
    assert_eq!(told(&hotel.decide(check_in("S-1", "bob@example.org")).await), reused);
    // The same guest, written otherwise and named otherwise.
    let written = hotel.decide(check_in("S-1", " ADA@example.org")).await;
    let person = Guest { person: "71".to_owned(), ..Default::default() };
    let person = DecideCheckInRequest { guest: Some(person), ..check_in("S-1", "") };
    for answer in [written, hotel.decide(person).await] {
        assert_eq!((&answer.grant, answer.is_repeat), (&first.grant, true));
    }
    let other_room = DecideCheckInRequest {
        booked_category: "VIEW".to_owned(),
        ..check_in("S-1", "ada@example.org")
    };
    assert_eq!(told(&hotel.decide(other_room.clone()).await), reused);
    // What is free changes from call to call, and is no part of the stay.
    let other_upgrades =
        DecideCheckInRequest { upgrades: Vec::new(), ..check_in("S-1", "ada@example.org") };
    assert!(hotel.decide(other_upgrades).await.is_repeat);

    // When nobody has anything by it any more, it is decided on anew.
    let grant = first.grant.clone();
    let request = ReleaseGrantRequest { campaign: campaign.clone(), grant };
    hotel.perks().release_grant(request).await.expect("released");
    let bob = hotel.decide(check_in("S-1", "bob@example.org")).await;
    assert_eq!((bob.reason.as_str(), bob.is_repeat), ("RULE_FAILED", false));
    let anew = hotel.decide(other_room).await;
    assert_eq!((anew.outcome.as_str(), anew.is_repeat), ("OFFER", false));
    assert_eq!(hotel.given(&campaign).await, (1, 0));
}

#[tokio::test]
async fn a_campaign_that_is_spent_does_not_keep_others_from_being_asked() {
    let hotel = Hotel::open().await;
    let mut property = crate::hotel::palms();
    property.property = "grand".to_owned();
    property.categories = (0..10)
        .map(|it| Category { category: format!("C{it}"), display_name: String::new() })
        .collect();
    hotel.build(property).await.expect("a property");
    let mut spent = spec();
    spent.properties = vec!["grand".to_owned()];
    let spent = hotel.offer(spent).await;
    let at = |stay: &str| DecideCheckInRequest {
        property: "grand".to_owned(),
        booked_category: "C0".to_owned(),
        upgrades: (1..10).map(|it| upgrade(&format!("C{it}"), 2)).collect(),
        ..check_in(stay, "ada@example.org")
    };
    assert_eq!(hotel.decide(at("S-1")).await.campaign, spent);
    // Nothing of it is left to anybody.
    sqlx::query("update perks.grant set unique_key = 'stay:grand/S-2'")
        .execute(&hotel.stores.db().await)
        .await
        .expect("changed");
    let answer = hotel.decide(at("S-2")).await;
    assert_eq!((answer.reason.as_str(), answer.recorded), ("ALREADY_GRANTED", true));
    assert_eq!(hotel.outcomes(&spent).await.len(), 2);
    assert!(hotel.decide(at("S-2")).await.is_repeat);
}

#[tokio::test]
async fn a_guest_who_leaves_is_told_nothing_again() {
    let (hotel, _) = Hotel::with_offer().await;
    hotel.decide(check_in("S-1", "ada@example.org")).await;
    hotel.members.leave("ada@example.org");
    hotel.tell_state(71, 1, "OPTED_OUT", &[]).await;
    let answer = hotel.decide(check_in("S-1", "ada@example.org")).await;
    assert_eq!((answer.outcome.as_str(), answer.reason.as_str()), ("NO_OFFER", "GUEST_UNKNOWN"));
    assert!(answer.line.is_empty() && answer.grant.is_empty() && answer.campaign.is_empty());
}

#[tokio::test]
async fn two_desks_offer_the_last_suite_once() {
    let hotel = Hotel::open().await;
    // Of two campaigns, so that no stock of one of them settles it.
    for brand in ["Palms", "Airline"] {
        let mut spec = spec();
        spec.brand = brand.to_owned();
        let categories = if brand == "Palms" { vec!["SUITE".to_owned()] } else { Vec::new() };
        spec.benefit.as_mut().expect("one").categories = categories;
        hotel.offer(spec).await;
    }
    let other = hotel.another_desk().await;
    let guests: Vec<String> = (0..12).map(|it| format!("guest{it}@example.org")).collect();
    for (email, person) in guests.iter().zip(1_000..) {
        hotel.members.join(email, person, 60.0);
    }
    let calls = guests.iter().enumerate().map(|(index, email)| {
        let desk = if index % 2 == 0 { &hotel.running } else { &other };
        decide_at(desk, check_in(&format!("S-{index}"), email))
    });
    let answers = futures::future::try_join_all(calls).await.expect("always told something");
    let offered = |category: &str| answers.iter().filter(|it| it.category == category).count();
    assert_eq!((offered("SUITE"), offered("VIEW"), offered("")), (1, 1, 10), "{answers:#?}");
    let without = answers.iter().filter(|it| it.category.is_empty());
    assert!(without.into_iter().all(|it| it.reason == "SOLD_OUT" && it.recorded));
}

#[tokio::test]
async fn a_campaign_of_which_nothing_is_left_is_tried_once() {
    let hotel = Hotel::open().await;
    let oldest = hotel.offer(CampaignSpec { stock: Some(1), ..spec() }).await;
    hotel.decide(check_in("S-1", "ada@example.org")).await;
    let mut plainer = spec();
    plainer.benefit.as_mut().expect("one").categories = vec!["VIEW".to_owned()];
    let other = hotel.offer(plainer).await;
    let free = vec![upgrade("VIEW", 9), upgrade("SUITE", 9)];
    let asked = DecideCheckInRequest { upgrades: free, ..check_in("S-2", "ada@example.org") };
    let answer = hotel.decide(asked).await;
    assert_eq!((answer.category.as_str(), &answer.campaign), ("VIEW", &other));
    // For the suite, and not once more for the view.
    let outcomes: BTreeSet<String> = hotel.outcomes(&oldest).await.into_iter().collect();
    assert_eq!(outcomes, ["RESERVED".to_owned(), "SOLD_OUT".to_owned()].into());
    assert_eq!(hotel.outcomes(&oldest).await.len(), 2);
}

#[tokio::test]
async fn an_upgrade_for_which_others_wait_is_asked_for_once_and_another_one_is_offered() {
    let (hotel, oldest) = Hotel::with_offer().await;
    let other = hotel.offer(spec()).await;
    assert_eq!(hotel.decide(check_in("S-1", "ada@example.org")).await.category, "SUITE");
    hotel.members.join("eve@example.org", 73, 60.0);
    let answer = hotel.decide(check_in("S-2", "eve@example.org")).await;
    assert_eq!((answer.category.as_str(), &answer.campaign), ("VIEW", &oldest));
    let outcomes: BTreeSet<String> = hotel.outcomes(&oldest).await.into_iter().collect();
    assert_eq!(outcomes, ["CATEGORY_TAKEN".to_owned(), "RESERVED".to_owned()].into());
    assert!(hotel.outcomes(&other).await.is_empty());
    hotel.members.join("sol@example.org", 74, 60.0);
    let answer = hotel.decide(check_in("S-3", "sol@example.org")).await;
    assert_eq!((answer.outcome.as_str(), answer.reason.as_str()), ("NO_OFFER", "SOLD_OUT"));
}

#[tokio::test]
async fn a_stay_that_was_decided_on_while_another_desk_waited_is_told_as_it_is_written_down() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let mut holding = hold(&hotel, &campaign).await;
    let other = hotel.another_desk().await;
    let waiting = async { decide_at(&other, check_in("S-1", "ada@example.org")).await };
    let faster = async {
        until_held_up(&hotel).await;
        // Needs no campaign.
        let asked = DecideCheckInRequest {
            upgrades: vec![upgrade("SUITE", 0)],
            ..check_in("S-1", "ada@example.org")
        };
        let answer = hotel.decide(asked).await;
        holding.execute("rollback").await.expect("let go");
        answer
    };
    let (waited, faster) = tokio::join!(waiting, faster);
    let waited = waited.expect("always told something");
    assert_eq!((faster.reason.as_str(), faster.recorded), ("NO_UPGRADE", true));
    assert_eq!((waited.reason.as_str(), waited.is_repeat), ("NO_UPGRADE", true));
    assert_eq!(hotel.given(&campaign).await, (0, 0));
    let again = hotel.decide(check_in("S-1", "ada@example.org")).await;
    assert_eq!((again.reason.as_str(), again.is_repeat), ("NO_UPGRADE", true));
}

#[tokio::test]
async fn one_stay_that_two_desks_ask_about_at_once_is_decided_once() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let other = hotel.another_desk().await;
    let calls = (0..8).map(|index| {
        let desk = if index % 2 == 0 { &hotel.running } else { &other };
        decide_at(desk, check_in("S-1", "ada@example.org"))
    });
    let answers = futures::future::try_join_all(calls).await.expect("always told something");
    assert!(answers.iter().all(|it| it.grant == answers[0].grant && it.outcome == "OFFER"));
    assert_eq!(answers.iter().filter(|it| !it.is_repeat).count(), 1);
    assert_eq!(hotel.given(&campaign).await, (1, 0));
}

#[tokio::test]
async fn a_sandbox_needs_no_data_and_counts_nothing() {
    let (hotel, campaign) = Hotel::with_offer().await;
    let mut property = crate::hotel::palms();
    property.property = "sandbox".to_owned();
    property.sandbox = true;
    hotel.build(property).await.expect("a property");
    let told = [
        ("ada@sandbox.example", "OFFER", "QUALIFIES", true),
        ("stella@sandbox.example", "OFFER", "QUALIFIES", true),
        ("bob@sandbox.example", "NO_OFFER", "RULE_FAILED", true),
        ("paula@sandbox.example", "NO_OFFER", "PLACE_FAILED", true),
        ("henry@sandbox.example", "NO_OFFER", "HELD_OUT", true),
        ("sol@sandbox.example", "NO_OFFER", "SOLD_OUT", true),
        ("again@sandbox.example", "NO_OFFER", "ALREADY_GRANTED", true),
        ("nowhere@sandbox.example", "NO_OFFER", "PEER_UNAVAILABLE", false),
        // A member, but nobody is looked up.
        ("ada@example.org", "NO_OFFER", "GUEST_UNKNOWN", true),
    ];
    for (index, (email, outcome, reason, recorded)) in told.into_iter().enumerate() {
        let mut asked = check_in(&format!("S-{index}"), email);
        asked.property = "sandbox".to_owned();
        let answer = hotel.decide(asked.clone()).await;
        let said = (answer.outcome.as_str(), answer.reason.as_str(), answer.recorded);
        assert_eq!(said, (outcome, reason, recorded), "{email}");
        assert_eq!(answer.stale, email.starts_with("stella"));
        assert_eq!(hotel.decide(asked).await.is_repeat, recorded);
    }
    let mut asked = check_in("late", "late@sandbox.example");
    asked.property = "sandbox".to_owned();
    asked.deadline = None;
    let answer = hotel.decide(asked).await;
    assert_eq!((answer.reason.as_str(), answer.recorded), ("DEADLINE_PASSED", false));
    assert_eq!(hotel.given(&campaign).await, (0, 0));
}

#[tokio::test]
async fn a_guest_who_is_named_by_what_cannot_be_is_nobody() {
    let (hotel, _) = Hotel::with_offer().await;
    let named = |guest: Guest, stay: &str| DecideCheckInRequest {
        guest: Some(guest),
        ..check_in(stay, "")
    };
    let person = Guest { person: "ada".to_owned(), ..guest("ada@example.org") };
    assert_eq!(hotel.decide(named(person, "S-1")).await.reason, "GUEST_UNKNOWN");
    let pass = Guest { pass: "no pass".to_owned(), ..Default::default() };
    let answer = hotel.decide(named(pass, "S-2")).await;
    assert_eq!((answer.reason.as_str(), answer.recorded), ("GUEST_UNKNOWN", false));
}
