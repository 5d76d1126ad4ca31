use std::sync::Arc;

use klout_perk_rules::{Facts, Rule};
use klout_proto::perk::v1::{Benefit, CampaignSpec, Place, Rule as WireRule};
use proptest::prelude::*;
use time::{Duration, macros::datetime};

use super::*;
use crate::{facts::Known, spec::Spec};

const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

fn offer() -> CampaignSpec {
    CampaignSpec {
        brand: "Palms".to_owned(),
        title: "Lounge".to_owned(),
        benefit: Some(Benefit {
            kind: "ACCESS".to_owned(),
            description: "Come in".to_owned(),
            ..Benefit::default()
        }),
        rules: vec![WireRule { rule: "klout".to_owned(), expression: "score >= 40.0".to_owned() }],
        ..CampaignSpec::default()
    }
}

fn compiled(spec: CampaignSpec) -> Compiled {
    let (spec, rules): (Spec, Vec<Rule>) = Spec::check(spec).expect("a spec");
    Compiled {
        id: 7,
        version: 1,
        state: CampaignState::Active,
        spec: Arc::new(spec),
        rules: rules.into(),
        activate_time: Some(NOW - Duration::days(1)),
    }
}

fn ann(score: f64) -> Person {
    let rules = Facts {
        score: Some(score),
        country: Some("US".to_owned()),
        city: Some("Los Angeles".to_owned()),
        ..Facts::default()
    };
    Person { id: person(1), facts: Known { rules, ..Known::default() } }
}

fn person(id: i64) -> PersonId {
    PersonId::new(id).expect("a person")
}

fn hold_out() -> HoldOut {
    HoldOut::new(&AccountKey::new([7; 32]))
}

fn outcome(campaign: &Compiled, person: &Person, property: &str) -> Outcome {
    decide(campaign, person, property, NOW, &hold_out()).outcome
}

#[test]
fn whoever_the_rules_hold_for_is_eligible_and_is_told_why_not_else() {
    let campaign = compiled(offer());
    assert_eq!(outcome(&campaign, &ann(40.0), ""), Outcome::Eligible);
    let verdict = decide(&campaign, &ann(38.0), "", NOW, &hold_out());
    assert_eq!(verdict.outcome, Outcome::RuleFailed);
    assert!(!verdict.rules[0].holds);
    // What is not known holds for nobody.
    let mut nobody_knows = ann(0.0);
    nobody_knows.facts.rules.score = None;
    assert_eq!(outcome(&campaign, &nobody_knows, ""), Outcome::RuleFailed);
}

#[test]
fn it_gives_in_its_period_and_state_alone() {
    let campaign = compiled(offer());
    for state in [CampaignState::Draft, CampaignState::Paused, CampaignState::Ended] {
        let other = Compiled { state, ..campaign.clone() };
        assert_eq!(outcome(&other, &ann(50.0), ""), Outcome::NotActive);
    }
    let at = |start: Option<Duration>, end: Option<Duration>| {
        let spec = Spec {
            start_time: start.map(|it| NOW + it),
            end_time: end.map(|it| NOW + it),
            ..(*campaign.spec).clone()
        };
        outcome(&Compiled { spec: Arc::new(spec), ..campaign.clone() }, &ann(50.0), "")
    };
    let (zero, hour) = (Duration::ZERO, Duration::HOUR);
    assert_eq!(at(Some(zero), Some(hour)), Outcome::Eligible, "its start is in it");
    assert_eq!(at(Some(hour), None), Outcome::NotActive);
    assert_eq!(at(None, Some(zero)), Outcome::NotActive, "its end is not");
    assert_eq!(at(None, None), Outcome::Eligible);
}

#[test]
fn it_gives_at_its_properties_alone() {
    let spec = CampaignSpec { properties: vec!["palms".to_owned()], ..offer() };
    let campaign = compiled(spec);
    assert_eq!(outcome(&campaign, &ann(50.0), "palms"), Outcome::Eligible);
    assert_eq!(outcome(&campaign, &ann(50.0), "sands"), Outcome::PropertyFailed);
    assert_eq!(outcome(&campaign, &ann(50.0), ""), Outcome::PropertyFailed);
    assert_eq!(outcome(&compiled(offer()), &ann(50.0), "sands"), Outcome::Eligible);
}

#[test]
fn what_gives_nothing_to_anybody_looks_at_no_rule() {
    let campaign = compiled(CampaignSpec { properties: vec!["palms".to_owned()], ..offer() });
    let looks = |campaign: &Compiled, property: &str| {
        !decide(campaign, &ann(38.0), property, NOW, &hold_out()).rules.is_empty()
    };
    assert!(looks(&campaign, "palms"));
    assert!(!looks(&campaign, "sands"));
    assert!(!looks(&Compiled { state: CampaignState::Paused, ..campaign }, "palms"));
}

#[test]
fn it_gives_to_people_of_its_places_however_they_write_them() {
    let place = |country: &str, city: &str| Place { country: country.into(), city: city.into() };
    let of = |places: Vec<Place>| compiled(CampaignSpec { places, ..offer() });
    let ann = ann(50.0);
    assert_eq!(outcome(&of(vec![place("US", "")]), &ann, ""), Outcome::Eligible);
    assert_eq!(outcome(&of(vec![place("US", "los angeles ")]), &ann, ""), Outcome::Eligible);
    let other = of(vec![place("DE", ""), place("US", "Boston")]);
    assert_eq!(outcome(&other, &ann, ""), Outcome::PlaceFailed);
    let mut nowhere = ann;
    (nowhere.facts.rules.country, nowhere.facts.rules.city) = (None, None);
    assert_eq!(outcome(&of(vec![place("US", "")]), &nowhere, ""), Outcome::PlaceFailed);
}

#[test]
fn a_shadow_gives_nothing_and_says_so() {
    let campaign = compiled(CampaignSpec { shadow: true, ..offer() });
    assert_eq!(outcome(&campaign, &ann(50.0), ""), Outcome::Shadow);
    assert_eq!(outcome(&campaign, &ann(30.0), ""), Outcome::RuleFailed);
}

#[test]
fn who_is_held_out_hangs_on_the_campaign_the_person_and_the_key() {
    let golden = hold_out();
    let held = |hold_out: &HoldOut, campaign: i64| -> Vec<i64> {
        (1..=1000).filter(|id| hold_out.holds(campaign, person(*id), 0.1)).collect()
    };
    let here = held(&golden, 7);
    assert!((60..140).contains(&here.len()), "{} of 1,000", here.len());
    assert_eq!(here, held(&golden, 7));
    assert_ne!(here, held(&golden, 8));
    assert_ne!(here, held(&HoldOut::new(&AccountKey::new([8; 32])), 7));
    assert_eq!(format!("{golden:?}"), "HoldOut(***)");
    let campaign = compiled(CampaignSpec { hold_out_share: 0.1, ..offer() });
    let ann = Person { id: person(here[0]), ..ann(50.0) };
    assert_eq!(outcome(&campaign, &ann, ""), Outcome::HeldOut);
    let less = Person { id: person(here[0]), ..self::ann(30.0) };
    assert_eq!(outcome(&campaign, &less, ""), Outcome::RuleFailed);
}

proptest! {
    /// A better score never makes anything worse, and nobody is held out who does not qualify.
    #[test]
    fn a_higher_score_is_never_worse(id in 1..i64::MAX, low in 1.0..100.0_f64, more in 0.0..50.0_f64, share in 0.0..0.5) {
        let campaign = compiled(CampaignSpec { hold_out_share: share, ..offer() });
        let of = |score| outcome(&campaign, &Person { id: person(id), ..ann(score) }, "");
        let (low, high) = (of(low), of(low + more));
        prop_assert!(low == Outcome::RuleFailed || low == high);
    }

    #[test]
    fn a_larger_share_holds_out_who_was_held_out(id in 1..i64::MAX, share in 0.0..0.5, more in 0.0..0.5) {
        let hold_out = hold_out();
        prop_assert!(!hold_out.holds(7, person(id), share) || hold_out.holds(7, person(id), share + more));
        prop_assert!(!hold_out.holds(7, person(id), 0.0));
    }
}
