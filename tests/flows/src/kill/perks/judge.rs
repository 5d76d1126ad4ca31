//! Whether each decision of a history was right, by what was given at its moment. Pure.
//!
//! Whoever decides holds the campaign, and dates what is decided by the moment from which it is held. So the decisions of a
//! campaign happen one after the other in the order of their times, and from the times of grants follows what was left at
//! each of them. Only the order within a moment is unknown: there a refusal is right if it can have been.

use time::{Duration, OffsetDateTime};

use super::{
    books::{Books, Decision, Grant},
    offers::{FREE, Offer},
};

/// How long a group can take from its date until it has looked at a category: all the time it may take.
const GROUP_TIME_MAX: Duration = Duration::seconds(10);

/// What a campaign had given at a moment, as far as it concerns whoever asks.
#[derive(Clone, Copy, Debug, Default)]
struct Given {
    grants: i64,
    codes: i64,
    minor_units: i64,
    person: i64,
    property: i64,
    day: i64,
    /// To the same person, or for the same stay, of whom one alone can have it.
    same: i64,
}

/// What was decided wrongly.
pub(super) fn flaws(offers: &[Offer], books: &Books) -> Vec<String> {
    let mut flaws = Vec::new();
    for offer in offers {
        let (id, grants) = (offer.id(), books.of(offer));
        for decision in books.decisions.iter().filter(|it| it.campaign == id) {
            let wrong = wrong(offer, &grants, books, decision);
            flaws.extend(wrong.map(|wrong| format!("{wrong}: {decision:?}")));
        }
    }
    flaws
}

/// What is wrong with a decision.
fn wrong(
    offer: &Offer,
    grants: &[&Grant],
    books: &Books,
    decision: &Decision,
) -> Option<&'static str> {
    let limits = &offer.limits;
    let reaches = |limit: Option<i64>, given: i64| limit.is_some_and(|limit| given >= limit);
    // As the peers of a history have it.
    if (decision.person % 10 == 0) != (decision.outcome == "RULE_FAILED") {
        return Some("the rule says otherwise");
    }
    match decision.outcome.as_str() {
        "RULE_FAILED" => None,
        "RESERVED" => {
            let given = given(offer, grants, decision, is_held_after);
            let is_beyond = |limit: Option<i64>, given: i64| limit.is_some_and(|it| given > it);
            let is_too_much = is_beyond(limits.stock, given.grants)
                || is_beyond(limits.codes, given.codes)
                || is_beyond(limits.minor_units, given.minor_units)
                || is_beyond(limits.per_person, given.person)
                || is_beyond(limits.per_property, given.property)
                || is_beyond(limits.per_day, given.day)
                || given.same > 1;
            is_too_much.then_some("there was none left")
        }
        outcome => {
            let given = given(offer, grants, decision, may_be_held);
            let money = limits.minor_units.map(|it| it - limits.worth + 1);
            let is_right = match outcome {
                "ALREADY_GRANTED" => given.same > 0,
                "SOLD_OUT" => {
                    reaches(limits.stock, given.grants) || reaches(limits.codes, given.codes)
                }
                "BUDGET_SPENT" => {
                    reaches(money, given.minor_units)
                        || reaches(limits.per_person, given.person)
                        || reaches(limits.per_property, given.property)
                        || reaches(limits.per_day, given.day)
                }
                "CATEGORY_TAKEN" => offer.is_upgrade && is_taken(books, decision),
                _ => false,
            };
            (!is_right).then_some("there was something left")
        }
    }
}

fn given(
    offer: &Offer,
    grants: &[&Grant],
    decision: &Decision,
    is_held: fn(&Grant, OffsetDateTime) -> bool,
) -> Given {
    let mut given = Given::default();
    let count = |is: bool| i64::from(is);
    for grant in grants.iter().filter(|it| it.reserve_time <= decision.time) {
        let is_held = is_held(grant, decision.time);
        // A code that was told is nobody else's any more.
        given.codes += count(is_held || grant.confirm_time.is_some());
        if !is_held {
            continue;
        }
        let is_same_stay = (&grant.property, &grant.stay) == (&decision.property, &decision.stay);
        let is_same_person = grant.person == decision.person;
        given.grants += 1;
        given.minor_units += grant.minor_units;
        given.person += count(is_same_person);
        given.property += count(grant.property == decision.property);
        given.day += count(grant.day == decision.time.date());
        given.same += count(if offer.limits.is_per_stay { is_same_stay } else { is_same_person });
    }
    given
}

/// Whether a grant that was there holds something once all of a moment is done.
fn is_held_after(grant: &Grant, time: OffsetDateTime) -> bool {
    grant.end_time.is_none_or(|end| end > time)
}

/// Whether it may hold something while a moment is under way: what is over ends before all else.
fn may_be_held(grant: &Grant, time: OffsetDateTime) -> bool {
    is_held_after(grant, time) || (grant.end_time == Some(time) && grant.state != "EXPIRED")
}

/// Whether all that was free of some category can have waited for others. Campaigns are not in one order with one another,
/// so those count that waited at any time between the date of the group and its end.
fn is_taken(books: &Books, decision: &Decision) -> bool {
    FREE.iter().any(|(category, free)| {
        let waiting = books.grants.iter().filter(|it| {
            let end = it.confirm_time.or(it.end_time).unwrap_or(it.expire_time);
            it.category == *category
                && it.property == decision.property
                && it.reserve_time <= decision.time + GROUP_TIME_MAX
                && end >= decision.time
        });
        waiting.count() >= usize::try_from(*free).expect("a few")
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::{super::offers::Limits, *};

    const START: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

    fn at(seconds: i64) -> OffsetDateTime {
        START + Duration::seconds(seconds)
    }

    /// Reserved at one time and ended at another.
    fn grant(id: i64, from: i64, state: &str, end: Option<i64>) -> Grant {
        Grant {
            campaign: 1,
            id,
            person: id,
            property: "palms".to_owned(),
            stay: id.to_string(),
            category: String::new(),
            state: state.to_owned(),
            minor_units: 150,
            day: START.date(),
            code: None,
            reserve_time: at(from),
            expire_time: at(from + 60),
            confirm_time: matches!(state, "CONFIRMED" | "REVERSED").then(|| at(from)),
            end_time: end.map(at),
        }
    }

    fn decision(person: i64, outcome: &str, time: i64) -> Decision {
        Decision {
            campaign: 1,
            decision: person,
            request_id: person.to_string(),
            person,
            property: "palms".to_owned(),
            stay: person.to_string(),
            outcome: outcome.to_owned(),
            given: (outcome == "RESERVED").then_some(person),
            time: at(time),
        }
    }

    fn is_wrong(limits: Limits, grants: &[Grant], decision: Decision) -> bool {
        let offer = Offer { campaign: "1".to_owned(), limits, is_upgrade: false };
        let books = Books { decisions: vec![decision], grants: grants.to_vec() };
        !flaws(&[offer], &books).is_empty()
    }

    #[test]
    fn a_refusal_is_wrong_while_something_is_left() {
        let one = Limits { stock: Some(1), ..Limits::default() };
        let held = [grant(1, 0, "CONFIRMED", None)];
        assert!(!is_wrong(one, &held, decision(2, "SOLD_OUT", 5)));
        let two = Limits { stock: Some(2), ..Limits::default() };
        assert!(is_wrong(two, &held, decision(2, "SOLD_OUT", 5)));
        let released = [grant(1, 0, "RELEASED", Some(4))];
        assert!(is_wrong(one, &released, decision(2, "SOLD_OUT", 5)));
        assert!(!is_wrong(one, &released, decision(2, "SOLD_OUT", 4)), "it may have come before");
        let expired = [grant(1, 0, "EXPIRED", Some(4))];
        assert!(is_wrong(one, &expired, decision(2, "SOLD_OUT", 4)), "what is over ends first");
        assert!(is_wrong(one, &held, decision(2, "BUDGET_SPENT", 5)));
    }

    #[test]
    fn a_reservation_is_wrong_where_nothing_is_left() {
        let one = Limits { stock: Some(1), ..Limits::default() };
        let both = [grant(1, 0, "RELEASED", Some(9)), grant(2, 5, "CONFIRMED", None)];
        assert!(is_wrong(one, &both, decision(2, "RESERVED", 5)));
        let after = [grant(1, 0, "RELEASED", Some(5)), grant(2, 5, "CONFIRMED", None)];
        assert!(!is_wrong(one, &after, decision(2, "RESERVED", 5)));
        let budget = Limits { per_property: Some(1), ..Limits::default() };
        assert!(is_wrong(budget, &both, decision(2, "RESERVED", 5)));
        let day = Limits { per_day: Some(1), ..Limits::default() };
        assert!(is_wrong(day, &both, decision(2, "RESERVED", 5)));
    }

    #[test]
    fn a_code_that_was_told_is_gone_though_its_grant_was_taken_back() {
        let one = Limits { codes: Some(1), ..Limits::default() };
        let reversed = [grant(1, 0, "REVERSED", Some(4))];
        assert!(!is_wrong(one, &reversed, decision(2, "SOLD_OUT", 5)));
        let both = [reversed[0].clone(), grant(2, 5, "RESERVED", None)];
        assert!(is_wrong(one, &both, decision(2, "RESERVED", 5)));
        let released = [grant(1, 0, "RELEASED", Some(4)), grant(2, 5, "RESERVED", None)];
        assert!(!is_wrong(one, &released, decision(2, "RESERVED", 5)));
    }

    #[test]
    fn nobody_has_one_already_who_has_none() {
        let held = [grant(1, 0, "CONFIRMED", None)];
        assert!(!is_wrong(Limits::default(), &held, decision(1, "ALREADY_GRANTED", 5)));
        assert!(is_wrong(Limits::default(), &held, decision(2, "ALREADY_GRANTED", 5)));
        assert!(is_wrong(Limits::default(), &held, decision(2, "HELD_OUT", 5)), "nobody is");
        assert!(is_wrong(Limits::default(), &held, decision(20, "RESERVED", 5)), "the rule fails");
    }
}
