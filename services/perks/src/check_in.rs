//! What a reservation for a desk holds and writes besides what every reservation does.
//!
//! A stay is decided on once, whatever desk asks and whichever campaign gives; and what a property has free of a
//! category is not offered twice, whichever campaign offers it. Neither is known to a campaign's row, so both are held
//! after it in the same transaction: stays first, then categories, each in one order, so that nobody waits in a circle.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{decide::Outcome, error::Error, store};

/// What a desk is told if a reservation is made, and if it is not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CheckIn {
    /// As it is told when it is granted.
    pub(crate) told: store::check_in::CheckIn,
    /// How many are free of the category as far as the property knows; reservations that wait are among them.
    pub(crate) available: i64,
    /// Whether nothing else is tried for this stay: then it is written down that there is no offer.
    pub(crate) is_last: bool,
    /// Which rule does not hold, in words; empty: all of them do.
    pub(crate) failed_rule: String,
}

/// Stays and categories that a transaction holds.
#[derive(Debug, Default)]
pub(crate) struct Held {
    decided: HashSet<(String, String)>,
    reserved: BTreeMap<(String, String), i64>,
}

// === impl Held ===

impl Held {
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
        let decided = store::check_in::hold(db, &stays).await;
        let decided = decided.map_err(Error::store("hold stays"))?;
        let reserved = store::check_in::hold_categories(db, &categories, now).await;
        let reserved = reserved.map_err(Error::store("hold categories"))?;
        Ok(Self { decided, reserved })
    }

    /// Whether something was told of the stay: then it is not decided on again.
    pub(crate) fn is_decided(&self, check_in: &CheckIn) -> bool {
        self.decided.contains(&(check_in.told.property.clone(), check_in.told.stay.clone()))
    }

    /// Whether one of the category is free that nobody else was offered.
    pub(crate) fn is_free(&self, check_in: &CheckIn) -> bool {
        let reserved = self.reserved.get(&Self::category(check_in)).copied().unwrap_or_default();
        reserved < check_in.available
    }

    /// Notes what was decided, for those who come later in the same transaction.
    pub(crate) fn note(&mut self, check_in: &CheckIn, outcome: Outcome) {
        if outcome == Outcome::Reserved {
            *self.reserved.entry(Self::category(check_in)).or_default() += 1;
        }
        if outcome == Outcome::Reserved || check_in.is_last {
            self.decided.insert((check_in.told.property.clone(), check_in.told.stay.clone()));
        }
    }

    fn category(check_in: &CheckIn) -> (String, String) {
        (check_in.told.property.clone(), check_in.told.category.clone())
    }
}

// === impl CheckIn ===

impl CheckIn {
    /// Writes down what the desk is told, if anything is decided by it.
    pub(crate) async fn keep(
        &self,
        db: &mut PgConnection,
        outcome: Outcome,
        grant: Option<i64>,
    ) -> Result<(), Error> {
        let told = match outcome {
            Outcome::Reserved => store::check_in::CheckIn { grant, ..self.told.clone() },
            _ if self.is_last => self.refused(outcome),
            _ => return Ok(()),
        };
        let kept = store::check_in::keep(db, &told).await;
        // The stay is held, so nobody else can have written.
        kept.map_err(Error::store("write down what a desk is told")).map(|_| ())
    }

    /// What the desk is told when it is not granted.
    pub(crate) fn refused(&self, outcome: Outcome) -> store::check_in::CheckIn {
        store::check_in::CheckIn {
            is_offer: false,
            reason: reason(outcome).to_owned(),
            explanation: explanation(outcome, &self.failed_rule),
            line: String::new(),
            category: String::new(),
            disclosure: String::new(),
            grant: None,
            ..self.told.clone()
        }
    }
}

/// How an outcome is told at a desk.
pub(crate) const fn reason(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Eligible | Outcome::Reserved => "QUALIFIES",
        Outcome::RuleFailed => "RULE_FAILED",
        Outcome::PlaceFailed => "PLACE_FAILED",
        // As for a desk at which there is none.
        Outcome::PropertyFailed | Outcome::NotActive | Outcome::Shadow => "NO_CAMPAIGN",
        Outcome::HeldOut => "HELD_OUT",
        Outcome::SoldOut => "SOLD_OUT",
        Outcome::BudgetSpent => "BUDGET_SPENT",
        Outcome::AlreadyGranted => "ALREADY_GRANTED",
    }
}

/// The same in words.
pub(crate) fn explanation(outcome: Outcome, failed_rule: &str) -> String {
    let words = match outcome {
        Outcome::Eligible | Outcome::Reserved => "the guest qualifies",
        Outcome::RuleFailed if failed_rule.is_empty() => "the guest does not qualify",
        Outcome::RuleFailed => return format!("the guest does not qualify: {failed_rule}"),
        Outcome::PlaceFailed => "it is offered to people of other places",
        Outcome::PropertyFailed | Outcome::NotActive | Outcome::Shadow => {
            "no campaign gives an upgrade here"
        }
        Outcome::HeldOut => "the guest is of the group that is given nothing, to compare with",
        Outcome::SoldOut => "nothing is left of it",
        Outcome::BudgetSpent => "its budget is spent",
        Outcome::AlreadyGranted => "the guest has it already",
    };
    words.to_owned()
}
