//! What campaigns say about somebody.

use klout_proto::{
    graph::v1::{AccountName, account_name::Name},
    perk::v1::{
        Budgets, CampaignSpec, EvaluatePerksRequest, Facts, Place, evaluate_perks_request::Subject,
    },
};
use tonic::Code;

use crate::town::{Member, Town, offer, told, with_score};

#[tokio::test]
async fn everybody_is_told_what_they_can_have_and_what_is_missing_for_the_rest() {
    let town = Town::start().await;
    town.folk.add(1, with_score(38.0));
    let lounge = town.offers(offer("score >= 40.0")).await;
    let bar = town.offers(offer("score >= 20.0 && plus_k >= 0")).await;

    let said = town.evaluate(1).await.expect("evaluated");
    let outcomes: Vec<_> =
        said.evaluations.iter().map(|it| (it.campaign.as_str(), it.outcome.as_str())).collect();
    assert_eq!(outcomes, [(bar.as_str(), "ELIGIBLE"), (lounge.as_str(), "RULE_FAILED")]);
    let failed = &said.evaluations[1];
    assert!(!failed.eligible && !failed.rules[0].holds && failed.rules[0].rule == "klout");
    let explanation = &failed.rules[0].conditions[0].explanation;
    assert!(explanation.contains("40") && explanation.contains("38"), "{explanation}");
    assert_eq!(said.evaluations[0].rules[0].conditions.len(), 2);
    assert_eq!(failed.disclosure, "The Palms pays for it.");

    // Only what they can have; and only what is asked about.
    let request = |campaigns: &[&str], eligible_only| EvaluatePerksRequest {
        subject: Some(Subject::Person("1".to_owned())),
        campaigns: campaigns.iter().map(|it| (*it).to_owned()).collect(),
        eligible_only,
        ..EvaluatePerksRequest::default()
    };
    let said = town.ask(request(&[], true)).await.expect("evaluated").evaluations;
    assert!(said.len() == 1 && said[0].campaign == bar);
    let said = town.ask(request(&[&lounge], false)).await.expect("evaluated").evaluations;
    assert!(said.len() == 1 && said[0].campaign == lounge);
    let refused = town.ask(request(&["17"], false)).await.expect_err("no campaign");
    assert_eq!(told(&refused), (Code::NotFound, "CAMPAIGN_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn rules_see_what_the_others_know_of_somebody() {
    let town = Town::start().await;
    let topics = vec![("hiking", vec!["bluesky"]), ("chess", vec!["twitter"])];
    let known = Member {
        topics: topics.clone(),
        country: "US",
        city: "Boston",
        plus_k: 3,
        ..with_score(50.0)
    };
    town.folk.add(1, known.clone());
    let facts = town.evaluate(1).await.expect("evaluated").facts.expect("always there");
    assert_eq!(facts.score, Some(50.0));
    assert_eq!((facts.percentile, facts.true_reach), (Some(90.0), Some(1_000.0)));
    assert_eq!(facts.topics, ["hiking", "chess"]);
    assert_eq!((facts.country.as_str(), facts.city.as_str(), facts.plus_k), ("US", "Boston", 3));
    assert_eq!((facts.networks, facts.model.as_str()), (vec!["bluesky".to_owned()], "klout-test"));
    assert!(facts.left_out_networks.is_empty() && facts.member_since_time.is_some());

    // Of who has an account on a network that forbids rewards, what it says is left out.
    town.folk.add(
        2,
        Member {
            networks: vec!["bluesky", "twitter"],
            points: vec![("bluesky", 30.0), ("twitter", 15.0), ("floor", 5.0)],
            ..known
        },
    );
    let facts = town.evaluate(2).await.expect("evaluated").facts.expect("always there");
    let expected = Facts {
        score: Some(50.0 - 0.8 * 15.0),
        percentile: None,
        confidence: None,
        true_reach: None,
        amplification: None,
        network_impact: None,
        topics: vec!["hiking".to_owned()],
        left_out_networks: vec!["twitter".to_owned()],
        ..facts.clone()
    };
    assert_eq!((facts.networks.as_slice(), &facts), (&["bluesky".to_owned()][..], &expected));
    // Of two of them all the points are left out, and nobody has less than one.
    town.folk.add(
        3,
        Member {
            networks: vec!["twitter", "x"],
            points: vec![("twitter", 29.5), ("x", 20.0), ("floor", 0.5)],
            ..with_score(50.0)
        },
    );
    let facts = town.evaluate(3).await.expect("evaluated").facts.expect("always there");
    assert_eq!(facts.score, Some(1.0));

    // Nobody knows a score: that is no score, and not zero.
    town.folk.add(4, Member::default());
    let facts = town.evaluate(4).await.expect("evaluated").facts.expect("always there");
    assert_eq!((facts.score, facts.percentile), (None, None));
}

#[tokio::test]
async fn who_does_not_consent_is_as_unknown_as_nobody() {
    let town = Town::start().await;
    town.offers(offer("true")).await;
    town.folk.add(1, Member { withheld: vec!["perks"], ..with_score(50.0) });
    town.folk.add(2, Member { withheld: vec!["crm"], ..with_score(50.0) });
    let account = |id: &str| EvaluatePerksRequest {
        subject: Some(Subject::Account(AccountName {
            network: "bluesky".to_owned(),
            name: Some(Name::Handle(format!("handle {id}"))),
        })),
        ..EvaluatePerksRequest::default()
    };

    let withheld = town.evaluate(1).await.expect_err("withheld");
    let nobody = town.evaluate(3).await.expect_err("nobody");
    assert_eq!(told(&withheld), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    // Letter for letter, so that nobody can tell one from the other.
    assert_eq!(withheld.message(), nobody.message());
    assert_eq!(withheld.details(), nobody.details());
    let withheld = town.ask(account("1")).await.expect_err("withheld");
    let nobody_called_so = town.ask(account("3")).await.expect_err("nobody");
    assert_eq!(withheld.details(), nobody.details());
    assert_eq!(nobody_called_so.details(), nobody.details());
    assert_eq!(town.ask(account("2")).await.expect("consents").person, "2");
}

#[tokio::test]
async fn what_is_left_of_stock_and_budgets_is_told() {
    let town = Town::start().await;
    (1..=3).for_each(|person| town.folk.add(person, with_score(50.0)));
    let campaign = town.offers(CampaignSpec { stock: Some(1), ..offer("score > 1.0") }).await;
    assert_eq!(town.says(1).await.outcome, "ELIGIBLE");
    town.give(&campaign, 1).await;
    assert_eq!(town.says(1).await.outcome, "ALREADY_GRANTED");
    assert_eq!(town.says(2).await.outcome, "SOLD_OUT");

    let town = Town::start().await;
    (1..=3).for_each(|person| town.folk.add(person, with_score(50.0)));
    let budgets = Some(Budgets { per_day: Some(1), ..Budgets::default() });
    let campaign = town.offers(CampaignSpec { budgets, ..offer("score > 1.0") }).await;
    town.give(&campaign, 1).await;
    assert_eq!(town.says(2).await.outcome, "BUDGET_SPENT");
}

#[tokio::test]
async fn a_place_decides_and_a_peer_that_is_away_is_said_to_be() {
    let town = Town::start().await;
    town.folk.add(1, Member { country: "US", city: "Boston", ..with_score(50.0) });
    let places = vec![Place { country: "US".to_owned(), city: "Los Angeles".to_owned() }];
    town.offers(CampaignSpec { places, ..offer("score > 1.0") }).await;
    assert_eq!(town.says(1).await.outcome, "PLACE_FAILED");

    town.folk.stop_scoring(true);
    let refused = town.evaluate(1).await.expect_err("nobody knows");
    assert_eq!(told(&refused), (Code::Unavailable, "PEER_UNAVAILABLE".to_owned()));
}
