//! What a campaign says about somebody. Pure.

use std::fmt;

use klout_model::{AccountKey, PersonId};
use klout_perk_rules::{self as rules, Limits, Prepared, Rule, RuleOutcome, Shortage, Taken};
use time::OffsetDateTime;

use crate::{
    campaigns::{CampaignState, Compiled},
    facts::Person,
    spec::{Quantity, Spec},
};

/// What came out. The words are those of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outcome {
    Eligible,
    RuleFailed,
    PlaceFailed,
    PropertyFailed,
    NotActive,
    HeldOut,
    Shadow,
    /// All that the property has free of the category waits for others.
    CategoryTaken,
    SoldOut,
    BudgetSpent,
    AlreadyGranted,
    Reserved,
}

/// What a campaign says about somebody, and what each of its rules does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// In the order of the campaign's rules; none where it gives nothing to anybody, which needs no look at them.
    pub(crate) rules: Vec<RuleOutcome>,
}

/// Says who of those that qualify is given nothing, so that it can be told what a campaign does.
#[derive(Clone)]
pub(crate) struct HoldOut([u8; 32]);

/// What a campaign says about somebody: period, state, property, place, rules, hold-out; not what is left.
pub(crate) fn decide(
    campaign: &Compiled,
    person: &Person,
    property: &str,
    now: OffsetDateTime,
    hold_out: &HoldOut,
) -> Verdict {
    let prepared = Prepared::new(&person.facts.rules);
    decide_prepared(campaign, person, &prepared, property, now, hold_out)
}

/// [`decide`] with what is made of somebody's facts once for many campaigns.
pub(crate) fn decide_prepared(
    campaign: &Compiled,
    person: &Person,
    prepared: &Prepared<'_>,
    property: &str,
    now: OffsetDateTime,
    hold_out: &HoldOut,
) -> Verdict {
    let spec = &campaign.spec;
    let nothing = |outcome| Verdict { outcome, rules: Vec::new() };
    if !is_active(campaign, now) {
        return nothing(Outcome::NotActive);
    }
    if !(spec.properties.is_empty() || spec.properties.iter().any(|it| it == property)) {
        return nothing(Outcome::PropertyFailed);
    }
    let rules: Vec<RuleOutcome> =
        campaign.rules.iter().map(|rule| rule.evaluate_prepared(prepared)).collect();
    let outcome = if !lives_there(spec, person) {
        Outcome::PlaceFailed
    } else if !rules.iter().all(|it| it.holds) {
        Outcome::RuleFailed
    } else if hold_out.holds(campaign.id, person.id, spec.hold_out_share) {
        Outcome::HeldOut
    } else if spec.shadow {
        Outcome::Shadow
    } else {
        Outcome::Eligible
    };
    Verdict { outcome, rules }
}

/// What somebody who qualifies gets of what is left: [`Outcome::Eligible`], or why nothing.
pub(crate) fn left(spec: &Spec, taken: &Taken, is_at_property: bool) -> Outcome {
    let get = |limit: Option<Quantity>| limit.map(Quantity::get);
    let limits = Limits {
        stock: get(spec.stock),
        minor_units: get(spec.budgets.minor_units),
        per_person: get(spec.budgets.per_person),
        per_property: get(spec.budgets.per_property),
        per_day: get(spec.budgets.per_day),
    };
    let minor_units = spec.value.map_or(0, |it| it.minor_units.get());
    match rules::admit(&limits, taken, rules::Ask { minor_units, is_at_property }) {
        Ok(()) => Outcome::Eligible,
        Err(Shortage::Stock | Shortage::Codes) => Outcome::SoldOut,
        Err(Shortage::Money | Shortage::Person | Shortage::Property | Shortage::Day) => {
            Outcome::BudgetSpent
        }
    }
}

/// Whether somebody lives where a campaign gives and its rules hold for them, whatever its state.
pub(crate) fn qualifies(spec: &Spec, rules: &[Rule], person: &Person) -> bool {
    if !lives_there(spec, person) {
        return false;
    }
    let prepared = Prepared::new(&person.facts.rules);
    rules.iter().all(|rule| rule.holds(&prepared))
}

/// Whether it gives anything at all now. What starts with its activation was activated.
pub(crate) fn is_active(campaign: &Compiled, now: OffsetDateTime) -> bool {
    campaign.state == CampaignState::Active
        && campaign.spec.start_time.or(campaign.activate_time).is_none_or(|start| start <= now)
        && campaign.spec.end_time.is_none_or(|end| now < end)
}

/// Cities are what people write: however they write it.
fn lives_there(spec: &Spec, person: &Person) -> bool {
    let facts = &person.facts.rules;
    let same = |one: &str, other: &str| one.trim().to_lowercase() == other.trim().to_lowercase();
    let places = &spec.places;
    places.is_empty()
        || places.iter().any(|place| {
            facts.country.as_deref() == Some(place.country.as_str())
                && place.city.as_deref().is_none_or(|city| {
                    facts.city.as_deref().is_some_and(|theirs| same(theirs, city))
                })
        })
}

// === impl Outcome ===

impl Outcome {
    /// Whether a campaign that says this gives nothing to anybody here and now, whatever its rules say.
    pub(crate) fn looks_at_no_rule(outcome: &str) -> bool {
        [Self::NotActive, Self::PropertyFailed].iter().any(|it| it.as_str() == outcome)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Eligible => "ELIGIBLE",
            Self::RuleFailed => "RULE_FAILED",
            Self::PlaceFailed => "PLACE_FAILED",
            Self::PropertyFailed => "PROPERTY_FAILED",
            Self::NotActive => "NOT_ACTIVE",
            Self::HeldOut => "HELD_OUT",
            Self::Shadow => "SHADOW",
            Self::CategoryTaken => "CATEGORY_TAKEN",
            Self::SoldOut => "SOLD_OUT",
            Self::BudgetSpent => "BUDGET_SPENT",
            Self::AlreadyGranted => "ALREADY_GRANTED",
            Self::Reserved => "RESERVED",
        }
    }
}

// === impl HoldOut ===

impl HoldOut {
    /// Nobody without the account key can tell who is held out.
    pub(crate) fn new(key: &AccountKey) -> Self {
        Self(key.derived("hold out"))
    }

    /// Whether somebody is among the `share` of people, 0 to 1, who are given nothing. The same as long as the
    /// campaign runs, and whoever is held out of a share is held out of a larger one.
    pub(crate) fn holds(&self, campaign: i64, person: PersonId, share: f64) -> bool {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&campaign.to_le_bytes());
        hasher.update(&person.get().to_le_bytes());
        let hash = hasher.finalize();
        let (bytes, _) = hash.as_bytes().split_first_chunk().expect("32 bytes");
        // 53 bits are as many as a double has.
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let place = (u64::from_le_bytes(*bytes) >> 11) as f64 / (1_u64 << 53) as f64;
        place < share
    }
}

impl fmt::Debug for HoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HoldOut(***)")
    }
}

#[cfg(test)]
mod tests;
