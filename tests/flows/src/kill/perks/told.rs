//! What everybody was told, held against one another and against what is written down.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use klout_proto::perk::v1::{
    DecideCheckInResponse, Grant, ReserveGrantRequest, ReserveGrantResponse,
};

use super::books::Books;

/// A campaign, and a grant of it.
pub(super) type GrantName = (String, String);

/// What somebody was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// By campaign and request: the request, and what was decided.
    decisions: BTreeMap<(String, String), (ReserveGrantRequest, Decision)>,
    steps: Vec<StepTold>,
    codes: Vec<(GrantName, String)>,
    check_ins: Vec<CheckInTold>,
    /// What was answered as it never should be.
    pub(super) flaws: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Decision {
    decision: String,
    outcome: String,
    grant: String,
}

/// What was said of a grant when something was to be done to it.
#[derive(Debug)]
struct StepTold {
    grant: GrantName,
    /// In one of these states the grant was at some moment of the call.
    states: &'static [&'static str],
    call: Call,
}

/// What a desk was told, and that it is written down.
#[derive(Debug)]
struct CheckInTold {
    stay: String,
    outcome: String,
    reason: String,
    offer: GrantName,
    category: String,
    call: Call,
}

/// From when to when somebody waited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) began: Instant,
    pub(super) ended: Instant,
}

/// What is done to a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Confirm,
    Release,
    Reverse,
}

const ENDED: [&str; 3] = ["RELEASED", "EXPIRED", "REVERSED"];

// === impl Told ===

impl Told {
    /// Requests on which something was decided.
    pub(super) fn decided(&self) -> usize {
        self.decisions.len()
    }

    /// One of the requests that were answered.
    pub(super) fn request(&self, number: usize) -> Option<ReserveGrantRequest> {
        self.decisions.values().nth(number).map(|(request, _)| request.clone())
    }

    pub(super) fn stays(&self) -> BTreeSet<String> {
        self.check_ins.iter().map(|it| it.stay.clone()).collect()
    }

    /// Returns the grant, the first time that it is told.
    pub(super) fn reserved(
        &mut self,
        request: ReserveGrantRequest,
        response: ReserveGrantResponse,
    ) -> Option<GrantName> {
        if let Some(grant) = &response.grant {
            self.code(grant);
        }
        let decision = response.decision.unwrap_or_default();
        let decided = Decision {
            decision: decision.decision,
            outcome: decision.outcome,
            grant: decision.grant,
        };
        let key = (request.campaign.clone(), request.request_id.clone());
        match self.decisions.get(&key) {
            Some((_, before)) if *before != decided => {
                self.flaws.push(format!("{before:?} was told of {key:?}, then {decided:?}"));
            }
            Some(_) => {}
            None => {
                let name = (request.campaign.clone(), decided.grant.clone());
                let is_given = !decided.grant.is_empty();
                self.decisions.insert(key, (request, decided));
                return Some(name).filter(|_| is_given);
            }
        }
        None
    }

    /// What was done to a grant.
    pub(super) fn stepped(&mut self, name: GrantName, step: Step, grant: &Grant, call: Call) {
        self.code(grant);
        let (state, states): (&str, &'static [&'static str]) = match step {
            Step::Confirm => ("CONFIRMED", &["CONFIRMED"]),
            Step::Release if grant.state == "EXPIRED" => ("EXPIRED", &["EXPIRED"]),
            Step::Release if grant.state == "REVERSED" => ("REVERSED", &["REVERSED"]),
            Step::Release => ("RELEASED", &["RELEASED"]),
            Step::Reverse => ("REVERSED", &["REVERSED"]),
        };
        if grant.state != state || (grant.campaign.as_str(), &grant.grant) != (&name.0, &name.1) {
            self.flaws.push(format!("{step:?} of {name:?} was answered by {grant:?}"));
        }
        self.steps.push(StepTold { grant: name, states, call });
    }

    /// Why nothing was done to a grant.
    pub(super) fn refused(&mut self, name: GrantName, step: Step, reason: &str, call: Call) {
        let states: &[_] = match (step, reason) {
            (Step::Confirm, "GRANT_ENDED") => &ENDED,
            (Step::Release, "GRANT_CONFIRMED") => &["CONFIRMED"],
            (Step::Reverse, "GRANT_NOT_CONFIRMED") => &["RESERVED", "RELEASED", "EXPIRED"],
            _ => {
                self.flaws.push(format!("{step:?} of {name:?} was refused by {reason:?}"));
                return;
            }
        };
        self.steps.push(StepTold { grant: name, states, call });
    }

    /// What is written down of a stay. Returns the grant that waits.
    pub(super) fn checked_in(
        &mut self,
        stay: String,
        answer: DecideCheckInResponse,
        call: Call,
    ) -> Option<GrantName> {
        let DecideCheckInResponse { outcome, reason, campaign, grant, category, .. } = answer;
        let is_fresh = outcome == "OFFER" && !answer.is_repeat;
        let offer = (campaign, grant);
        let is_named = [&offer.0, &offer.1, &category].iter().all(|it| !it.is_empty());
        if outcome == "OFFER" && !is_named {
            self.flaws.push(format!("{stay} was offered something without a name: {offer:?}"));
        }
        self.check_ins.push(CheckInTold {
            stay,
            outcome,
            reason,
            offer: offer.clone(),
            category,
            call,
        });
        is_fresh.then_some(offer)
    }

    fn code(&mut self, grant: &Grant) {
        if !grant.code.is_empty() {
            let name = (grant.campaign.clone(), grant.grant.clone());
            self.codes.push((name, grant.code.clone()));
        }
    }
}

/// What of that which was told is not so, or cannot be so together.
pub(super) fn compare(books: &Books, told: &[Told]) -> Vec<String> {
    let mut flaws: Vec<String> = told.iter().flat_map(|it| it.flaws.iter().cloned()).collect();
    flaws.extend(of_decisions(books, told));
    flaws.extend(of_steps(books, told));
    flaws.extend(of_codes(books, told));
    flaws.extend(of_stays(books, told));
    flaws
}

fn of_decisions(books: &Books, told: &[Told]) -> Vec<String> {
    let mut flaws = Vec::new();
    let mut recorded = BTreeMap::new();
    // What a desk had reserved has a name that the desk was never told.
    for it in books.decisions.iter().filter(|it| !it.request_id.starts_with("check-in:")) {
        let decision = Decision {
            decision: it.decision.to_string(),
            outcome: it.outcome.clone(),
            grant: it.given.map(|it| it.to_string()).unwrap_or_default(),
        };
        let before = recorded.insert((it.campaign.to_string(), it.request_id.clone()), decision);
        flaws.extend(before.map(|it| format!("{it:?} is not the only answer to its request")));
    }
    for (key, (_, told)) in told.iter().flat_map(|it| &it.decisions) {
        if recorded.get(key) != Some(told) {
            flaws.push(format!("{told:?} was told of {key:?}; it is {:?}", recorded.get(key)));
        }
    }
    let asked: usize = told.iter().map(Told::decided).sum();
    if recorded.len() != asked {
        flaws.push(format!("{} decisions are recorded of {asked} that were told", recorded.len()));
    }
    flaws
}

/// What was told of a grant before can have become what was told of it later, and what it is in the end.
fn of_steps(books: &Books, told: &[Told]) -> Vec<String> {
    let mut flaws = Vec::new();
    let states = states(books);
    let mut by_grant: BTreeMap<&GrantName, Vec<&StepTold>> = BTreeMap::new();
    for step in told.iter().flat_map(|it| &it.steps) {
        by_grant.entry(&step.grant).or_default().push(step);
    }
    for (grant, steps) in by_grant {
        let Some(last) = states.get(grant) else {
            flaws.push(format!("there is no grant {grant:?} of which was told"));
            continue;
        };
        for one in &steps {
            if !one.states.iter().any(|state| becomes(state, last)) {
                flaws.push(format!("{grant:?} was told to be {:?}; it is {last}", one.states));
            }
            for other in steps.iter().filter(|it| it.call.began > one.call.ended) {
                let can_be = one
                    .states
                    .iter()
                    .any(|from| other.states.iter().any(|state| becomes(from, state)));
                if !can_be {
                    flaws.push(format!(
                        "{grant:?} was told to be {:?}, then {:?}",
                        one.states, other.states
                    ));
                }
            }
        }
    }
    flaws
}

/// Who was told a code is told no other one, and nobody else is told it.
fn of_codes(books: &Books, told: &[Told]) -> Vec<String> {
    let mut flaws = Vec::new();
    let (mut codes, mut owners) = (BTreeMap::new(), BTreeMap::new());
    for (grant, code) in told.iter().flat_map(|it| &it.codes) {
        let before = codes.insert(grant.clone(), code.clone());
        flaws.extend(
            before.filter(|it| it != code).map(|it| format!("{grant:?} was told {it} and {code}")),
        );
        let owner = owners.insert((grant.0.clone(), code.clone()), grant.clone());
        flaws.extend(
            owner.filter(|it| it != grant).map(|it| format!("{it:?} and {grant:?} have {code}")),
        );
    }
    for grant in books.grants.iter().filter(|it| it.confirm_time.is_some()) {
        let name = (grant.campaign.to_string(), grant.id.to_string());
        let told = codes.get(&name);
        if told.is_some() && told != grant.code.as_ref() {
            flaws.push(format!("{name:?} was told {told:?} and has {:?}", grant.code));
        }
    }
    flaws
}

/// What is told of a stay is told again, or that it has ended once it has.
fn of_stays(books: &Books, told: &[Told]) -> Vec<String> {
    let mut flaws = Vec::new();
    let states = states(books);
    let mut by_stay: BTreeMap<&str, Vec<&CheckInTold>> = BTreeMap::new();
    for told in told.iter().flat_map(|it| &it.check_ins) {
        by_stay.entry(&told.stay).or_default().push(told);
    }
    for (stay, told) in by_stay {
        let what = |it: &CheckInTold| {
            let reason = if it.reason == "GRANT_ENDED" { "QUALIFIES" } else { &it.reason };
            // Of what has ended it is not told what it was.
            let category = (it.reason != "GRANT_ENDED").then(|| it.category.clone());
            (reason.to_owned(), it.offer.clone(), category)
        };
        let all: BTreeSet<_> = told.iter().map(|it| what(it)).collect();
        let names: BTreeSet<_> = all.iter().map(|(reason, offer, _)| (reason, offer)).collect();
        let categories = all.iter().filter(|(.., category)| category.is_some());
        if names.len() > 1 || categories.count() > 1 {
            flaws.push(format!("the desk was told of {stay}: {all:?}"));
        }
        for ended in told.iter().filter(|it| it.reason == "GRANT_ENDED") {
            let state = states.get(&ended.offer);
            if !state.is_some_and(|it| ENDED.contains(it)) {
                flaws.push(format!("{stay} was told that its grant ended; it is {state:?}"));
            }
            let is_later = |it: &&&CheckInTold| it.call.began > ended.call.ended;
            if told.iter().filter(is_later).any(|it| it.outcome == "OFFER") {
                flaws.push(format!("{stay} was offered again what had ended"));
            }
        }
    }
    flaws
}

fn states(books: &Books) -> BTreeMap<GrantName, &str> {
    let name = |it: &super::books::Grant| (it.campaign.to_string(), it.id.to_string());
    books.grants.iter().map(|it| (name(it), it.state.as_str())).collect()
}

/// Whether a grant in one state may be in another one later.
fn becomes(from: &str, to: &str) -> bool {
    from == to || from == "RESERVED" || (from == "CONFIRMED" && to == "REVERSED")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::macros::datetime;

    use super::*;

    fn call(from: u64, to: u64) -> Call {
        // One moment for all calls of a test would need a start; differences are what counts.
        let start = *START;
        Call { began: start + Duration::from_secs(from), ended: start + Duration::from_secs(to) }
    }

    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);

    fn name(grant: i64) -> GrantName {
        ("1".to_owned(), grant.to_string())
    }

    fn wire(grant: i64, state: &str, code: &str) -> Grant {
        Grant {
            campaign: "1".to_owned(),
            grant: grant.to_string(),
            state: state.to_owned(),
            code: code.to_owned(),
            ..Grant::default()
        }
    }

    fn books(state: &str, code: Option<&str>) -> Books {
        let time = datetime!(2026-11-26 12:00 UTC);
        let grant = |id| super::super::books::Grant {
            campaign: 1,
            id,
            person: id,
            property: String::new(),
            stay: String::new(),
            category: String::new(),
            state: state.to_owned(),
            minor_units: 0,
            day: time.date(),
            code: code.map(ToOwned::to_owned),
            reserve_time: time,
            expire_time: time,
            confirm_time: code.map(|_| time),
            end_time: None,
        };
        Books { decisions: Vec::new(), grants: vec![grant(7), grant(8)] }
    }

    fn offered(grant: &str, outcome: &str, reason: &str) -> DecideCheckInResponse {
        DecideCheckInResponse {
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
            campaign: "1".to_owned(),
            grant: grant.to_owned(),
            category: "SUITE".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn what_was_told_to_be_confirmed_does_not_end_otherwise() {
        let mut told = Told::default();
        told.stepped(name(7), Step::Confirm, &wire(7, "CONFIRMED", ""), call(0, 1));
        let told = [told];
        assert!(compare(&books("CONFIRMED", None), &told).is_empty());
        assert!(compare(&books("REVERSED", None), &told).is_empty());
        assert!(!compare(&books("RELEASED", None), &told).is_empty());
    }

    #[test]
    fn a_refusal_is_held_against_what_a_grant_is_in_the_end() {
        let mut told = Told::default();
        told.refused(name(7), Step::Confirm, "GRANT_ENDED", call(0, 1));
        let told = [told];
        assert!(compare(&books("EXPIRED", None), &told).is_empty());
        assert!(!compare(&books("CONFIRMED", None), &told).is_empty());
        let mut told = Told::default();
        told.refused(name(7), Step::Release, "GRANT_CONFIRMED", call(0, 1));
        assert!(!compare(&books("RELEASED", None), &[told]).is_empty());
        let mut told = Told::default();
        told.refused(name(7), Step::Confirm, "STORE_UNAVAILABLE", call(0, 1));
        assert!(!compare(&books("RELEASED", None), &[told]).is_empty());
    }

    #[test]
    fn what_is_told_later_has_to_follow_from_what_was_told_before() {
        let both = |second: Call| {
            let mut told = Told::default();
            told.stepped(name(7), Step::Confirm, &wire(7, "CONFIRMED", ""), call(0, 1));
            told.refused(name(7), Step::Reverse, "GRANT_NOT_CONFIRMED", second);
            compare(&books("CONFIRMED", None), &[told])
        };
        assert!(both(call(0, 2)).is_empty(), "it may have come first");
        assert!(!both(call(2, 3)).is_empty());
    }

    #[test]
    fn one_code_is_told_to_one_grant_and_never_another() {
        let confirmed = |codes: &[(i64, &str)]| {
            let mut told = Told::default();
            for (grant, code) in codes {
                let confirmed = wire(*grant, "CONFIRMED", code);
                told.stepped(name(*grant), Step::Confirm, &confirmed, call(0, 1));
            }
            compare(&books("CONFIRMED", Some("a")), &[told])
        };
        assert!(confirmed(&[(7, "a"), (7, "a")]).is_empty());
        assert!(!confirmed(&[(7, "b"), (7, "a")]).is_empty(), "another one");
        assert!(!confirmed(&[(7, "a"), (8, "a")]).is_empty(), "somebody else's");
        assert!(!confirmed(&[(7, "b")]).is_empty(), "not what is written down");
    }

    #[test]
    fn a_stay_is_told_the_same_until_it_has_ended() {
        let desk = |answers: &[DecideCheckInResponse], state: &str| {
            let mut told = Told::default();
            for (time, answer) in (0..).zip(answers) {
                told.checked_in("S-1".to_owned(), answer.clone(), call(2 * time, 2 * time + 1));
            }
            compare(&books(state, None), &[told])
        };
        let offer = offered("7", "OFFER", "QUALIFIES");
        let ended = offered("7", "NO_OFFER", "GRANT_ENDED");
        let none = DecideCheckInResponse {
            outcome: "NO_OFFER".to_owned(),
            reason: "SOLD_OUT".to_owned(),
            ..Default::default()
        };
        assert!(desk(&[offer.clone(), offer.clone()], "CONFIRMED").is_empty());
        assert!(desk(&[offer.clone(), ended.clone()], "EXPIRED").is_empty());
        assert!(!desk(&[offer.clone(), ended.clone()], "CONFIRMED").is_empty(), "it has not");
        assert!(!desk(&[ended, offer.clone()], "EXPIRED").is_empty(), "it came back");
        let another = offered("8", "OFFER", "QUALIFIES");
        assert!(!desk(&[offer.clone(), another], "CONFIRMED").is_empty(), "two offers");
        assert!(!desk(&[none, offer], "CONFIRMED").is_empty(), "none, and one");
    }
}
