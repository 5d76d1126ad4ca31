//! Whoever qualifies gets what is left, once.

use std::collections::BTreeSet;

use klout_chassis::reason;
use klout_proto::perk::v1::{
    Budgets, CampaignSpec, CreatePropertyRequest, EndCampaignRequest, ListDecisionsRequest, Money,
    PauseCampaignRequest, Property, ReplayDecisionRequest, ReserveGrantRequest, UploadCodesRequest,
    desk_service_client::DeskServiceClient,
};
use klout_testkit::{link, until};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::giving::{Giving, NOBODY, WITHHOLDING, ask, offer};

fn why(status: &Status) -> String {
    reason(status).unwrap_or_default()
}

#[tokio::test]
async fn the_same_request_is_answered_the_same_and_takes_nothing_more() {
    let giving = Giving::start(2).await;
    let campaign = giving.campaign(offer(Some(5))).await;
    let first = giving.reserve(ask(&campaign, 50, "a")).await.expect("decided");
    let mut other = giving.client_of(1);
    for _ in 0..3 {
        let again = other.reserve_grant(ask(&campaign, 50, "a")).await.expect("decided");
        assert_eq!(again.into_inner(), first);
    }
    let decision = first.decision.expect("always there");
    assert_eq!((decision.outcome.as_str(), decision.version), ("RESERVED", 1));
    let facts = decision.facts.expect("what it was decided from");
    assert_eq!((facts.score, facts.model.as_str(), facts.epoch), (Some(50.0), "klout-2", 7));
    assert_eq!(decision.rules.len(), 1);
    assert!(decision.rules[0].holds);
    assert_eq!(giving.counts(&campaign).await, (1, 0, 150));

    let refused = giving.outcome(ask(&campaign, 38, "b")).await;
    assert_eq!(refused, ("RULE_FAILED".to_owned(), None));
    assert_eq!(giving.outcome(ask(&campaign, 38, "b")).await, refused);
    for other in [
        ask(&campaign, 51, "a"),
        ReserveGrantRequest { stay: "7".to_owned(), ..ask(&campaign, 50, "a") },
    ] {
        let status = giving.reserve(other).await.expect_err("something else");
        assert_eq!(
            (status.code(), why(&status)),
            (Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned())
        );
    }
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn the_same_request_at_once_is_one_reservation() {
    let giving = Giving::start(2).await;
    let campaign = giving.campaign(offer(Some(5))).await;
    let mut calls = JoinSet::new();
    for number in 0..32 {
        let mut client = giving.client_of(number);
        let request = ask(&campaign, 50, "a");
        calls.spawn(
            async move { client.reserve_grant(request).await.expect("decided").into_inner() },
        );
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|it| *it == answers[0]), "{answers:#?}");
    assert_eq!(giving.counts(&campaign).await, (1, 0, 150));
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn whoever_leaves_the_line_gets_nothing_and_whose_turn_it_was_finds_it_when_they_ask_again() {
    let giving = Giving::start(1).await;
    let campaign = giving.campaign(offer(Some(5))).await;
    let mut somebody = giving.db.begin().await.expect("a transaction");
    let hold = "select campaign_id from perks.campaign for update";
    sqlx::query(hold).fetch_all(&mut *somebody).await.expect("it is held");

    let at_their_turn = giving.leave(ask(&campaign, 50, "a"));
    let in_the_line = async {
        let blocked =
            "select exists (select from pg_locks where not granted and locktype <> 'advisory')";
        until("the first waits for the campaign", async || {
            sqlx::query_scalar(blocked).fetch_one(&giving.db).await.expect("Postgres answers")
        })
        .await;
        giving.leave(ask(&campaign, 51, "b")).await
    };
    let left = tokio::join!(at_their_turn, in_the_line);
    assert_eq!(left, (Code::DeadlineExceeded, Code::DeadlineExceeded));
    somebody.rollback().await.expect("nobody holds it");

    let recorded = "select request_id from perks.decision";
    until("the first is decided", async || {
        let recorded: Vec<String> =
            sqlx::query_scalar(recorded).fetch_all(&giving.db).await.expect("Postgres answers");
        recorded == ["a"]
    })
    .await;
    giving.given(ask(&campaign, 50, "a")).await;
    assert_eq!(giving.counts(&campaign).await, (1, 0, 150), "the other left before");
    giving.given(ask(&campaign, 51, "b")).await;
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn a_campaign_that_somebody_holds_keeps_no_other_waiting() {
    let giving = Giving::start(1).await;
    let held = giving.campaign(offer(Some(50))).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(giving.campaign(offer(Some(50))).await);
    }
    let mut somebody = giving.db.begin().await.expect("a transaction");
    let hold = "select campaign_id from perks.campaign where campaign_id = $1 for update";
    let id: i64 = held.parse().expect("a number");
    sqlx::query(hold).bind(id).fetch_one(&mut *somebody).await.expect("it is held");

    let reserve = |campaign: &str, person: i64| {
        let mut client = giving.client_of(0);
        let request = ask(campaign, person, &person.to_string());
        async move { client.reserve_grant(request).await.expect("decided").into_inner().grant }
    };
    let mut waiting = JoinSet::new();
    (100..108).for_each(|person| drop(waiting.spawn(reserve(&held, person))));
    for round in 0..3 {
        let mut given = JoinSet::new();
        for (place, other) in (0..).zip(&others) {
            let people = 1_000 * (round + 1) + 100 * place;
            (people..people + 4).for_each(|person| drop(given.spawn(reserve(other, person))));
        }
        assert!(given.join_all().await.iter().all(Option::is_some), "others are not held");
    }
    assert!(waiting.try_join_next().is_none(), "it is held");

    somebody.rollback().await.expect("nobody holds it");
    assert!(waiting.join_all().await.iter().all(Option::is_some), "now they have theirs");
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn sixty_four_clients_on_two_replicas_get_what_there_is_and_no_more() {
    let giving = Giving::start(2).await;
    let campaign = giving.campaign(offer(Some(37))).await;
    let mut calls = JoinSet::new();
    for number in 0..64 {
        let mut client = giving.client_of(number);
        let campaign = campaign.clone();
        calls.spawn(async move {
            let mut outcomes = Vec::new();
            for turn in 0..3_i64 {
                let person = 1_000 + 3 * i64::try_from(number).expect("small") + turn;
                let request = ask(&campaign, person, &person.to_string());
                let response = client.reserve_grant(request).await.expect("decided").into_inner();
                outcomes.push(response.decision.expect("always there").outcome);
            }
            outcomes
        });
    }
    let outcomes = calls.join_all().await.concat();
    assert_eq!(outcomes.iter().filter(|it| *it == "RESERVED").count(), 37);
    assert_eq!(outcomes.iter().filter(|it| *it == "SOLD_OUT").count(), 3 * 64 - 37);
    assert_eq!(giving.counts(&campaign).await, (37, 0, 37 * 150));
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn nobody_gets_one_who_is_none_or_does_not_consent_and_nothing_is_written() {
    let giving = Giving::start(1).await;
    let campaign = giving.campaign(offer(None)).await;
    for person in [NOBODY, WITHHOLDING] {
        let status = giving.reserve(ask(&campaign, person, "a")).await.expect_err("nobody");
        assert_eq!((status.code(), why(&status)), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    }
    let request = ListDecisionsRequest { campaign: campaign.clone(), ..Default::default() };
    let listed = giving.client().list_decisions(request).await.expect("listed").into_inner();
    assert!(listed.decisions.is_empty());
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let giving = Giving::start(1).await;
    let campaign = giving.campaign(offer(None)).await;
    let long = "a".repeat(129);
    for (request, expected) in [
        (ask(&campaign, 50, ""), "FIELD_INVALID"),
        (ask(&campaign, 50, &long), "FIELD_INVALID"),
        (ask(&campaign, 50, "a\0"), "FIELD_INVALID"),
        (ask(&campaign, -1, "a"), "FIELD_INVALID"),
        (ReserveGrantRequest { subject: None, ..ask(&campaign, 50, "a") }, "FIELD_INVALID"),
        (ReserveGrantRequest { stay: long.clone(), ..ask(&campaign, 50, "a") }, "FIELD_INVALID"),
        (ask("77", 50, "a"), "CAMPAIGN_UNKNOWN"),
        (ask("seven", 50, "a"), "CAMPAIGN_UNKNOWN"),
    ] {
        let status = giving.reserve(request.clone()).await.expect_err("refused");
        assert_eq!(why(&status), expected, "{request:?}");
    }
    let per_stay = CampaignSpec { unique_per: "STAY".to_owned(), ..offer(None) };
    let campaign = giving.campaign(per_stay).await;
    let status = giving.reserve(ask(&campaign, 50, "a")).await.expect_err("no stay");
    assert_eq!(why(&status), "FIELD_INVALID");
}

#[tokio::test]
async fn one_person_or_one_stay_has_one() {
    let giving = Giving::start(1).await;
    let campaign = giving.campaign(offer(None)).await;
    let grant = giving.given(ask(&campaign, 50, "a")).await;
    assert_eq!(giving.outcome(ask(&campaign, 50, "b")).await.0, "ALREADY_GRANTED");
    giving.confirm(&grant).await.expect("confirmed");
    assert_eq!(giving.outcome(ask(&campaign, 50, "c")).await.0, "ALREADY_GRANTED");
    giving.reverse(&grant).await.expect("reversed");
    giving.given(ask(&campaign, 50, "d")).await;

    let per_stay = CampaignSpec { unique_per: "STAY".to_owned(), ..offer(None) };
    let campaign = giving.campaign(per_stay).await;
    let at = |person, stay: &str, request_id: &str| ReserveGrantRequest {
        stay: stay.to_owned(),
        ..ask(&campaign, person, request_id)
    };
    giving.given(at(50, "one", "a")).await;
    giving.given(at(50, "two", "b")).await;
    assert_eq!(giving.outcome(at(51, "one", "c")).await.0, "ALREADY_GRANTED");
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn each_budget_is_kept() {
    let giving = Giving::start(1).await;
    let money = Money { currency: "USD".to_owned(), minor_units: 449 };
    let limited = |budgets| CampaignSpec {
        unique_per: "STAY".to_owned(),
        budgets: Some(budgets),
        ..offer(None)
    };
    for (budgets, persons) in [
        (Budgets { money: Some(money), ..Default::default() }, [50, 51, 52]),
        (Budgets { per_person: Some(2), ..Default::default() }, [50, 50, 50]),
        (Budgets { per_day: Some(2), ..Default::default() }, [50, 51, 52]),
    ] {
        let campaign = giving.campaign(limited(budgets.clone())).await;
        let [one, two, three] = [0, 1, 2].map(|number: usize| ReserveGrantRequest {
            stay: number.to_string(),
            ..ask(&campaign, persons[number], &number.to_string())
        });
        let grant = giving.given(one).await;
        giving.given(two).await;
        assert_eq!(giving.outcome(three.clone()).await.0, "BUDGET_SPENT", "{budgets:?}");
        giving.release(&grant).await.expect("released");
        // What was decided stays decided; who asks anew gets what came back.
        assert_eq!(giving.outcome(three.clone()).await.0, "BUDGET_SPENT", "{budgets:?}");
        let anew = ReserveGrantRequest { request_id: "anew".to_owned(), ..three };
        giving.given(anew).await;
    }
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn each_property_has_its_own_budget_and_a_sandbox_gives_nothing() {
    let giving = Giving::start(1).await;
    let mut desk = DeskServiceClient::new(link(&giving.replicas[0]));
    for name in ["palms", "dunes", "sandbox"] {
        let property = Property {
            property: name.to_owned(),
            display_name: name.to_owned(),
            country: "US".to_owned(),
            city: "Las Vegas".to_owned(),
            time_zone: "America/Los_Angeles".to_owned(),
            currency: "USD".to_owned(),
            sandbox: name == "sandbox",
            ..Default::default()
        };
        let request = CreatePropertyRequest { property: Some(property) };
        desk.create_property(request).await.expect("made");
    }
    let budgets = Budgets { per_property: Some(1), ..Default::default() };
    let campaign = giving.campaign(CampaignSpec { budgets: Some(budgets), ..offer(None) }).await;
    let at = |property: &str, person: i64| ReserveGrantRequest {
        property: property.to_owned(),
        ..ask(&campaign, person, &person.to_string())
    };
    giving.given(at("palms", 50)).await;
    assert_eq!(giving.outcome(at("palms", 51)).await.0, "BUDGET_SPENT");
    giving.given(at("dunes", 52)).await;
    giving.given(at("", 53)).await;
    giving.given(at("", 54)).await;
    for (property, expected) in [("nowhere", "PROPERTY_UNKNOWN"), ("sandbox", "FIELD_INVALID")] {
        let status = giving.reserve(at(property, 55)).await.expect_err("refused");
        assert_eq!(why(&status), expected);
    }
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn an_uploaded_code_is_given_once_and_comes_back_only_if_nobody_saw_it() {
    let giving = Giving::start(1).await;
    let spec = CampaignSpec { codes: "UPLOADED".to_owned(), ..offer(None) };
    let request = klout_proto::perk::v1::CreateCampaignRequest {
        spec: Some(spec),
        request_id: String::new(),
    };
    let made = giving.client().create_campaign(request).await.expect("made").into_inner();
    let campaign = made.campaign.expect("always there").campaign;
    let codes = vec!["first".to_owned(), "second".to_owned()];
    let request = UploadCodesRequest { campaign: campaign.clone(), codes };
    giving.client().upload_codes(request).await.expect("uploaded");
    let request = klout_proto::perk::v1::ActivateCampaignRequest { campaign: campaign.clone() };
    giving.client().activate_campaign(request).await.expect("activated");

    let one = giving.given(ask(&campaign, 50, "a")).await;
    assert_eq!(one.code, "", "nobody is told before it is theirs");
    let two = giving.given(ask(&campaign, 51, "b")).await;
    assert_eq!(giving.outcome(ask(&campaign, 52, "c")).await.0, "SOLD_OUT");
    assert_eq!(giving.confirm(&two).await.expect("confirmed").code, "second");
    giving.release(&one).await.expect("released");
    let three = giving.given(ask(&campaign, 52, "d")).await;
    assert_eq!(giving.outcome(ask(&campaign, 53, "e")).await.0, "SOLD_OUT");
    giving.let_time_pass(&three).await;
    let four = giving.given(ask(&campaign, 53, "f")).await;
    assert_eq!(giving.confirm(&four).await.expect("confirmed").code, "first");
    for grant in [&two, &four] {
        let reversed = giving.reverse(grant).await.expect("reversed");
        assert_eq!(reversed.state, "REVERSED");
    }
    assert_eq!(giving.outcome(ask(&campaign, 54, "g")).await.0, "SOLD_OUT", "both were told");
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn a_code_of_our_own_is_told_once_it_is_confirmed() {
    let giving = Giving::start(1).await;
    let spec = CampaignSpec { codes: "GENERATED".to_owned(), ..offer(None) };
    let campaign = giving.campaign(spec).await;
    let mut codes = BTreeSet::new();
    for person in 50..60 {
        let grant = giving.given(ask(&campaign, person, &person.to_string())).await;
        assert_eq!(grant.code, "");
        let confirmed = giving.confirm(&grant).await.expect("confirmed");
        assert_eq!(giving.confirm(&grant).await.expect("again"), confirmed);
        codes.insert(confirmed.code);
    }
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|it| it.len() >= 16), "{codes:?}");
}

#[tokio::test]
async fn a_new_version_decides_as_soon_as_it_is_there_whoever_remembers_another() {
    let giving = Giving::start(2).await;
    let campaign = giving.campaign(offer(Some(5))).await;
    let mut other = giving.client_of(1);
    // It remembers this version for a moment.
    other.reserve_grant(ask(&campaign, 50, "a")).await.expect("decided");
    let mut stricter = offer(Some(5));
    stricter.rules[0].expression = "score >= 60.0".to_owned();
    giving.change(&campaign, stricter).await;
    let decided = other.reserve_grant(ask(&campaign, 51, "b")).await.expect("decided");
    let decision = decided.into_inner().decision.expect("always there");
    assert_eq!((decision.outcome.as_str(), decision.version), ("RULE_FAILED", 2));
    assert!(!decision.rules[0].holds);

    // And what it was decided by stays with what was decided before.
    let first = other.reserve_grant(ask(&campaign, 50, "a")).await.expect("decided").into_inner();
    let first = first.decision.expect("always there");
    assert_eq!((first.outcome.as_str(), first.version), ("RESERVED", 1));
    assert!(first.rules[0].holds);
}

#[tokio::test]
async fn what_is_paused_or_has_ended_gives_nothing_and_what_was_reserved_can_be_confirmed() {
    let giving = Giving::start(2).await;
    let campaign = giving.campaign(offer(None)).await;
    let grant = giving.given(ask(&campaign, 50, "a")).await;
    let mut other = giving.client_of(1);
    other.reserve_grant(ask(&campaign, 51, "b")).await.expect("decided");
    let request = PauseCampaignRequest { campaign: campaign.clone() };
    giving.client().pause_campaign(request).await.expect("paused");
    let decided = other.reserve_grant(ask(&campaign, 52, "c")).await.expect("decided");
    assert_eq!(decided.into_inner().decision.expect("always there").outcome, "NOT_ACTIVE");
    let request = klout_proto::perk::v1::ActivateCampaignRequest { campaign: campaign.clone() };
    giving.client().activate_campaign(request).await.expect("activated");
    let decided = other.reserve_grant(ask(&campaign, 52, "d")).await.expect("decided");
    assert_eq!(decided.into_inner().decision.expect("always there").outcome, "RESERVED");
    let request = EndCampaignRequest { campaign: campaign.clone() };
    giving.client().end_campaign(request).await.expect("ended");
    let decided = other.reserve_grant(ask(&campaign, 53, "e")).await.expect("decided");
    assert_eq!(decided.into_inner().decision.expect("always there").outcome, "NOT_ACTIVE");
    assert_eq!(giving.confirm(&grant).await.expect("confirmed").state, "CONFIRMED");
    giving.assert_books_add_up().await;
}

#[tokio::test]
async fn decisions_are_listed_newest_first_and_replayed_with_the_same_result() {
    let giving = Giving::start(1).await;
    let mut held_out = offer(Some(1));
    held_out.hold_out_share = 0.5;
    let campaign = giving.campaign(held_out).await;
    for person in 30..60 {
        giving.reserve(ask(&campaign, person, &person.to_string())).await.expect("decided");
    }
    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListDecisionsRequest { campaign: campaign.clone(), page_size: 7, page_token };
        let page = giving.client().list_decisions(request).await.expect("listed").into_inner();
        listed.extend(page.decisions);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let people: Vec<i64> = listed.iter().map(|it| it.person.parse().expect("a number")).collect();
    assert_eq!(people, (30..60).rev().collect::<Vec<i64>>());
    let outcomes: BTreeSet<&str> = listed.iter().map(|it| it.outcome.as_str()).collect();
    let all = ["HELD_OUT", "RESERVED", "RULE_FAILED", "SOLD_OUT"];
    assert_eq!(outcomes, all.into(), "a coin would have to fall the same way twenty times");
    giving.change(&campaign, offer(Some(9))).await;
    for decision in listed {
        let request = ReplayDecisionRequest {
            campaign: campaign.clone(),
            decision: decision.decision.clone(),
        };
        let replayed = giving.client().replay_decision(request).await.expect("replayed");
        let replayed = replayed.into_inner();
        assert!(replayed.same, "{decision:?}");
        let evaluation = replayed.evaluation.expect("always there");
        assert_eq!((&evaluation.rules, evaluation.version), (&decision.rules, 1));
        assert_eq!(replayed.decision, Some(decision));
    }
    let request = ReplayDecisionRequest { campaign, decision: "77".to_owned() };
    let status = giving.client().replay_decision(request).await.expect_err("none");
    assert_eq!(why(&status), "DECISION_UNKNOWN");
}
