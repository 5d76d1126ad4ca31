//! What a reservation for a desk holds and writes besides what every reservation does.
//!
//! A stay is decided on once, whatever desk asks and whichever campaign gives; and what a property has free of a
//! category is not offered twice, whichever campaign offers it. Neither is known to a campaign's row, so both are held
//! after it in the same transaction: stays first, then categories, each in one order, so that nobody waits in a circle.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    decide::{Outcome, Verdict},
    error::Error,
    grants::Recorded,
    store::{
        self,
        check_in::{CheckIn as Told, Held},
    },
};

/// What a desk is told if a reservation is made, and if it is not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CheckIn {
    /// As it is told when it is granted.
    pub(crate) told: Told,
    /// How many are free of the category as far as the property knows; reservations that wait are among them.
    pub(crate) available: i64,
    /// Whether nothing else is tried for this stay: then it is written down that there is no offer.
    pub(crate) is_last: bool,
    /// Which rule does not hold, in words; empty: all of them do.
    pub(crate) failed_rule: String,
}

/// Stays and categories that a transaction holds, and what is to be told of them.
#[derive(Debug, Default)]
pub(crate) struct Stays {
    held: Held,
    told: Vec<Told>,
}

// === impl Stays ===

impl Stays {
    /// Holds what these reservations are about. The campaign's row is held.
    pub(crate) async fn hold<'a>(
        db: &mut PgConnection,
        check_ins: impl Iterator<Item = &'a CheckIn>,
        now: OffsetDateTime,
    ) -> Result<Self, Error> {
        let (mut stays, mut categories) = (BTreeSet::new(), BTreeSet::new());
        for CheckIn { told, .. } in check_ins {
            stays.insert((told.property.as_str(), told.stay.as_str()));
            categories.insert((told.property.as_str(), told.category.as_str()));
        }
        if stays.is_empty() {
            return Ok(Self::default());
        }
        let (stays, categories) = (Vec::from_iter(stays), Vec::from_iter(categories));
        let held = store::check_in::hold(&mut *db, &stays).await;
        held.map_err(Error::store("hold stays"))?;
        let held = store::check_in::hold_categories(&mut *db, &categories).await;
        let categories = held.map_err(Error::store("hold categories"))?;
        let held = store::check_in::held(db, &stays, &categories, now).await;
        let held = held.map_err(Error::store("look what is decided and reserved"))?;
        Ok(Self { held, told: Vec::new() })
    }

    /// What can be given at most, as far as the stay and the category go. `None`: no desk asks.
    pub(crate) fn narrow(
        &self,
        check_in: Option<&CheckIn>,
        verdict: Verdict,
    ) -> Result<Verdict, Error> {
        let Some(check_in) = check_in else { return Ok(verdict) };
        if self.held.decided.contains(&stay(&check_in.told)) {
            return Err(Error::StayDecided);
        }
        let reserved = self.held.reserved.get(&category(&check_in.told)).copied();
        // A category that is not there any more has nothing free, whatever the desk saw a second ago.
        let is_free = reserved.is_some_and(|reserved| reserved < check_in.available);
        let is_taken = verdict.outcome == Outcome::Eligible && !is_free;
        let outcome = if is_taken { Outcome::CategoryTaken } else { verdict.outcome };
        Ok(Verdict { outcome, ..verdict })
    }

    /// Notes what was decided, if that is what the desk is told.
    pub(crate) fn tell(&mut self, check_in: &CheckIn, decision: &Recorded) {
        let Some(told) = check_in.told_of(&decision.outcome, decision.grant) else { return };
        if told.is_offer {
            *self.held.reserved.entry(category(&told)).or_default() += 1;
        }
        self.held.decided.insert(stay(&told));
        self.told.push(told);
    }

    /// Writes down what desks are told.
    pub(crate) async fn write(self, db: &mut PgConnection) -> Result<(), Error> {
        if self.told.is_empty() {
            return Ok(());
        }
        let kept = store::check_in::keep(db, &self.told).await;
        let kept = kept.map_err(Error::store("write down what desks are told"))?;
        // Whoever writes holds the stay: a desk that would be told something else than what is written is told nothing.
        if usize::try_from(kept).is_ok_and(|kept| kept == self.told.len()) {
            Ok(())
        } else {
            Err(Error::GroupLost)
        }
    }
}

fn stay(told: &Told) -> (String, String) {
    (told.property.clone(), told.stay.clone())
}

fn category(told: &Told) -> (String, String) {
    (told.property.clone(), told.category.clone())
}

// === impl CheckIn ===

impl CheckIn {
    /// What the desk is told of an outcome; `None`: nothing, as something else is tried.
    pub(crate) fn told_of(&self, outcome: &str, grant: Option<i64>) -> Option<Told> {
        let told = self.told.clone();
        if grant.is_some() {
            return Some(Told { grant, ..told });
        }
        self.is_last.then(|| Told {
            is_offer: false,
            reason: reason(outcome).to_owned(),
            explanation: explanation(outcome, &self.failed_rule),
            line: String::new(),
            category: String::new(),
            disclosure: String::new(),
            ..told
        })
    }
}

/// How the outcome of a decision is told at a desk.
pub(crate) fn reason(outcome: &str) -> &str {
    match outcome {
        "ELIGIBLE" | "RESERVED" => "QUALIFIES",
        // As for a desk at which there is none.
        "PROPERTY_FAILED" | "NOT_ACTIVE" | "SHADOW" => "NO_CAMPAIGN",
        // Whether it is the upgrade or the campaign of which nothing is left is nothing to a guest.
        "CATEGORY_TAKEN" => "SOLD_OUT",
        told => told,
    }
}

/// The same in words.
pub(crate) fn explanation(outcome: &str, failed_rule: &str) -> String {
    let words = match reason(outcome) {
        "QUALIFIES" => "the guest qualifies",
        "RULE_FAILED" if failed_rule.is_empty() => "the guest does not qualify",
        "RULE_FAILED" => return format!("the guest does not qualify: {failed_rule}"),
        "PLACE_FAILED" => "it is offered to people of other places",
        "HELD_OUT" => "the guest is of the group that is given nothing, to compare with",
        "SOLD_OUT" => "nothing is left of it",
        "BUDGET_SPENT" => "its budget is spent",
        "ALREADY_GRANTED" => "the guest has it already",
        "NO_UPGRADE" => "nothing better is free that a campaign gives",
        "NO_CAMPAIGN" => "no campaign gives an upgrade here",
        "GUEST_UNKNOWN" => "nobody is known by this who consents to perks",
        "STAY_REUSED" => "what was offered for this stay is another guest's, or for another room",
        "GRANT_ENDED" => "what was offered was released, taken back, or not claimed in time",
        "STORE_UNAVAILABLE" => "the database does not answer",
        "PEER_UNAVAILABLE" => "it cannot be found out now who the guest is",
        "DEADLINE_PASSED" => "it could not be found out in time",
        _ => "",
    };
    words.to_owned()
}
