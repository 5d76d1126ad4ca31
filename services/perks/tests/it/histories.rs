//! Whatever is asked in whatever order, perks do what a small model does.

use std::collections::HashMap;

use klout_chassis::reason;
use klout_proto::perk::v1::{Budgets, CampaignSpec, Grant, Money, ReserveGrantRequest};
use proptest::{
    prelude::*,
    strategy::{Just, ValueTree as _},
    test_runner::TestRunner,
};

use crate::giving::{Giving, ask, offer};

/// What is done. Grants are named by how many were made before.
#[derive(Clone, Debug)]
enum Step {
    Reserve {
        person: i64,
        stay: u8,
    },
    /// Asks the same as some time before.
    Repeat(prop::sample::Index),
    /// Confirms, releases or reverses.
    Move(Move, prop::sample::Index),
    LetTimePass(prop::sample::Index),
    Limit(Limits),
}

/// What is done to a grant.
#[derive(Clone, Copy, Debug)]
enum Move {
    Confirm,
    Release,
    Reverse,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    stock: Option<i64>,
    money: Option<i64>,
    per_person: Option<i64>,
    per_day: Option<i64>,
}

/// A grant as the model has it.
#[derive(Clone, Debug)]
struct Given {
    person: i64,
    stay: u8,
    state: &'static str,
}

/// What is limited and what was given; nothing is counted but by looking at all of it.
struct Model {
    limits: Limits,
    grants: Vec<Given>,
}

impl Model {
    fn holding(&self) -> impl Iterator<Item = &Given> {
        self.grants.iter().filter(|it| ["RESERVED", "CONFIRMED"].contains(&it.state))
    }

    fn reserve(&mut self, person: i64, stay: u8) -> &'static str {
        let count = |holds: &dyn Fn(&Given) -> bool| -> i64 {
            self.holding().filter(|it| holds(it)).count().try_into().expect("few")
        };
        let all = count(&|_| true);
        let spent = |limit: Option<i64>, taken: i64| limit.is_some_and(|limit| taken > limit);
        let Limits { stock, money, per_person, per_day } = self.limits;
        let outcome = if person < 40 {
            "RULE_FAILED"
        } else if count(&|it| it.stay == stay) > 0 {
            "ALREADY_GRANTED"
        } else if spent(stock, all + 1) {
            "SOLD_OUT"
        } else if spent(money, 150 * (all + 1))
            || spent(per_person, count(&|it| it.person == person) + 1)
            || spent(per_day, all + 1)
        {
            "BUDGET_SPENT"
        } else {
            "RESERVED"
        };
        if outcome == "RESERVED" {
            self.grants.push(Given { person, stay, state: "RESERVED" });
        }
        outcome
    }

    /// The state then, or the reason why not.
    fn step(&mut self, grant: usize, step: Move) -> Result<&'static str, &'static str> {
        let state = &mut self.grants[grant].state;
        let done = match (step, *state) {
            (Move::Confirm, "RESERVED" | "CONFIRMED") => Ok("CONFIRMED"),
            (Move::Confirm, _) => Err("GRANT_ENDED"),
            (Move::Release, "RESERVED") => Ok("RELEASED"),
            (Move::Release, "CONFIRMED") => Err("GRANT_CONFIRMED"),
            (Move::Release, ended) => Ok(ended),
            (Move::Reverse, "CONFIRMED" | "REVERSED") => Ok("REVERSED"),
            (Move::Reverse, _) => Err("GRANT_NOT_CONFIRMED"),
        };
        if let Ok(now) = done {
            *state = now;
        }
        done
    }
}

fn limits() -> impl proptest::strategy::Strategy<Value = Limits> {
    let limit = |range: std::ops::Range<i64>| prop::option::of(range);
    (limit(4..9), limit(600..1_200), limit(1..4), limit(4..9)).prop_map(
        |(stock, money, per_person, per_day)| Limits { stock, money, per_person, per_day },
    )
}

fn histories() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
    let grant = any::<prop::sample::Index>;
    let step = prop_oneof![
        8 => (38..44_i64, 0..12_u8).prop_map(|(person, stay)| Step::Reserve { person, stay }),
        2 => grant().prop_map(Step::Repeat),
        4 => grant().prop_map(|it| Step::Move(Move::Confirm, it)),
        3 => grant().prop_map(|it| Step::Move(Move::Release, it)),
        3 => grant().prop_map(|it| Step::Move(Move::Reverse, it)),
        2 => grant().prop_map(Step::LetTimePass),
        1 => limits().prop_map(Step::Limit),
    ];
    let none = Limits { stock: None, money: None, per_person: None, per_day: None };
    prop_oneof![limits(), Just(none)].prop_flat_map(move |first| {
        let steps = prop::collection::vec(step.clone(), 1..40);
        steps.prop_map(move |steps| [vec![Step::Limit(first)], steps].concat())
    })
}

fn spec(limits: Limits) -> CampaignSpec {
    let Limits { stock, money, per_person, per_day } = limits;
    let money = money.map(|minor_units| Money { currency: "USD".to_owned(), minor_units });
    let budgets = Budgets { money, per_person, per_day, per_property: None };
    CampaignSpec { unique_per: "STAY".to_owned(), budgets: Some(budgets), ..offer(stock) }
}

#[tokio::test]
async fn any_history_has_the_answers_and_the_books_of_the_model() {
    let giving = Giving::start(1).await;
    let mut runner = TestRunner::deterministic();
    for round in 0..24 {
        let steps = histories().new_tree(&mut runner).expect("a history").current();
        play(&giving, &steps, round).await;
        giving.assert_books_add_up().await;
    }
}

async fn play(giving: &Giving, steps: &[Step], round: u32) {
    let Some(Step::Limit(limits)) = steps.first() else { unreachable!("each begins so") };
    let campaign = giving.campaign(spec(*limits)).await;
    let mut model = Model { limits: *limits, grants: Vec::new() };
    let mut asked: Vec<(ReserveGrantRequest, String)> = Vec::new();
    let mut grants: HashMap<usize, Grant> = HashMap::new();
    for (number, step) in steps.iter().enumerate() {
        let context = || format!("round {round}, step {number} of {steps:#?}");
        match step {
            Step::Reserve { person, stay } => {
                let request = ReserveGrantRequest {
                    stay: stay.to_string(),
                    ..ask(&campaign, *person, &number.to_string())
                };
                let (outcome, grant) = giving.outcome(request.clone()).await;
                assert_eq!(outcome, model.reserve(*person, *stay), "{}", context());
                asked.push((request, outcome));
                if let Some(grant) = grant {
                    grants.insert(grants.len(), grant);
                }
            }
            Step::Repeat(which) if !asked.is_empty() => {
                let (request, outcome) = which.get(&asked);
                let again = giving.outcome(request.clone()).await.0;
                assert_eq!(again, *outcome, "{}", context());
            }
            Step::Move(step, which) if !grants.is_empty() => {
                let which = which.index(grants.len());
                let grant = &grants[&which];
                let done = match step {
                    Move::Confirm => giving.confirm(grant).await,
                    Move::Release => giving.release(grant).await,
                    Move::Reverse => giving.reverse(grant).await,
                };
                let done = match &done {
                    Ok(grant) => Ok(grant.state.as_str()),
                    Err(status) => Err(reason(status).unwrap_or_default()),
                };
                let expected = model.step(which, *step).map_err(ToOwned::to_owned);
                assert_eq!(done, expected, "{}", context());
            }
            Step::LetTimePass(which) if !grants.is_empty() => {
                let which = which.index(grants.len());
                giving.let_time_pass(&grants[&which]).await;
                if model.grants[which].state == "RESERVED" {
                    model.grants[which].state = "EXPIRED";
                }
            }
            // A limit may not be set below what was given.
            Step::Limit(limits) if model.holding().count() == 0 => {
                model.limits = *limits;
                giving.change(&campaign, spec(*limits)).await;
            }
            Step::Repeat(_) | Step::Move(..) | Step::LetTimePass(_) | Step::Limit(_) => {}
        }
    }
    let count = |state| -> i64 {
        model.grants.iter().filter(|it| it.state == state).count().try_into().expect("few")
    };
    // Whatever is over is written down by whoever comes next.
    giving.outcome(ReserveGrantRequest { stay: "x".to_owned(), ..ask(&campaign, 1, "end") }).await;
    let (reserved, confirmed) = (count("RESERVED"), count("CONFIRMED"));
    let counts = (reserved, confirmed, 150 * (reserved + confirmed));
    assert_eq!(giving.counts(&campaign).await, counts, "round {round}: {steps:#?}");
}
