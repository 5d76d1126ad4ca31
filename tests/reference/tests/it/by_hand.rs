//! The worked example of docs/scoring.md, section 15: every number that is printed there.

use klout_model::{CounterName, Kind};
use klout_reference::{Account, Counter, Person, Post, Reaction, World};

use crate::both::{Both, disagreement};

const ADA: Person = 0;
const BOB: Person = 1;
const CLEO: Person = 2;
const DAN: Person = 3;

/// The same numbers for accounts, and one more.
const ADA_OF_STACK_EXCHANGE: Account = 4;

fn world() -> World {
    let account = |person: Person| person as Account;
    let did = |actor, subject, kind, age| Reaction {
        subject: account(subject),
        actor: Some(account(actor)),
        kind,
        age,
        count: 1,
    };
    let votes = Reaction {
        subject: ADA_OF_STACK_EXCHANGE,
        actor: None,
        kind: Kind::Like,
        age: 0,
        count: 2,
    };
    let mut accounts: Vec<(Person, String)> =
        [ADA, BOB, CLEO, DAN].map(|person| (person, "bluesky".to_owned())).into();
    accounts.push((ADA, "stackexchange".to_owned()));
    World {
        registered: [ADA, BOB, CLEO].into(),
        accounts,
        reactions: vec![
            did(BOB, ADA, Kind::Like, 0),
            did(BOB, DAN, Kind::Reshare, 0),
            did(CLEO, ADA, Kind::Reply, 15),
            did(DAN, ADA, Kind::Like, 30),
            did(ADA, BOB, Kind::Like, 0),
            did(ADA, DAN, Kind::Like, 0),
            did(CLEO, ADA, Kind::PlusK, 0),
            votes,
        ],
        posts: vec![
            Post { account: account(ADA), age: 0 },
            Post { account: account(ADA), age: 15 },
        ],
        counters: vec![Counter {
            account: account(ADA),
            name: CounterName::FollowerCount,
            value: 100.0,
        }],
    }
}

/// The page from the example on, without line breaks and bars that make a table of it.
fn example() -> String {
    let page = include_str!("../../../../docs/scoring.md");
    let (_, example) = page.split_once("## 15. A score by hand").expect("a section");
    example.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_example_is_what_both_say() {
    let both = Both::current();
    let world = world();
    let reference = both.reference(&world);
    assert_eq!(disagreement(&both, &reference, &both.engine(&world)), None);
    assert_eq!(disagreement(&both, &reference, &both.engine_by_name(&world)), None);
}

#[test]
fn every_number_of_the_example_is_on_the_page() {
    let both = Both::current();
    let world = world();
    let reference = both.reference(&world);
    let (pass, people) = both.engine(&world);

    let mut lines = Vec::new();
    for (name, person) in [("Ada", ADA), ("Bob", BOB), ("Cleo", CLEO), ("Dan", DAN)] {
        let it = pass.epoch.actors[people[&person]].repute();
        lines.push(format!(
            "| {name} | {:.4} | {:.4} | {:.4} |",
            it.credibility, it.prestige, it.worth
        ));
    }
    for network in ["bluesky", "stackexchange"] {
        let it = reference.sums[&(ADA, network)];
        lines.push(format!(
            "| {network} | {:.4} | {:.4} | {:.4} | {:.4} | {:.4} | {:.4} |",
            it.reach, it.people, it.impact, it.strangers, it.squares, it.posts
        ));
    }
    let amounts = reference.scores[&ADA];
    lines.push(format!("S = {:.4}", amounts.strangers));
    lines.push(format!("O = {:.4}", amounts.outside));
    lines.push(format!("K = {:.4}", amounts.plus_k));

    let ada = pass.scores[people[&ADA]].expect("evidence");
    lines.push(format!("I = {:.4}", ada.influence));
    lines.push(format!("score = {:.2}", ada.score.points()));
    lines.push(format!("true reach = {:.4}", ada.true_reach));
    lines.push(format!("amplification = {:.2}", ada.amplification));
    lines.push(format!("network impact = {:.2}", ada.network_impact));
    let (low, high) = ada.interval(both.model());
    lines.push(format!("low = {:.2}", low.points()));
    lines.push(format!("high = {:.2}", high.points()));
    lines.push(format!("confidence = {:.4}", ada.confidence));

    let page = example();
    let missing: Vec<&String> = lines.iter().filter(|line| !page.contains(*line)).collect();
    assert!(missing.is_empty(), "not on the page: {missing:#?}");
}
