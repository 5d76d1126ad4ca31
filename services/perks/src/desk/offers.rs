//! Which campaigns could give which of the upgrades that are free. Pure.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use klout_perk_rules::Prepared;
use time::OffsetDateTime;

use super::Question;
use crate::{
    campaigns::Compiled,
    decide::{HoldOut, Outcome, Verdict, decide_prepared},
    facts::Person,
    spec::Benefit,
    store::property::Property,
};

/// How many campaigns are tried for one stay, at most, and how many write down that they give nothing.
const CAMPAIGNS_MAX: usize = 8;

/// How many upgrades of one campaign are tried, at most: the best.
const CATEGORIES_MAX: usize = 8;

/// An upgrade that a campaign says something about.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) campaign: Arc<Compiled>,
    pub(super) category: String,
    /// How many of the category are free.
    pub(super) available: i64,
    pub(super) verdict: Verdict,
}

/// What could be offered, in the order in which it is tried: the best upgrade first, then the oldest campaign. What
/// gives nothing on purpose comes before. There is at least one, if only to write down why there is none. Else the
/// reason why there is nothing.
pub(super) fn of(
    question: &Question,
    campaigns: &[Arc<Compiled>],
    person: &Person,
    now: OffsetDateTime,
    hold_out: &HoldOut,
) -> Result<Vec<Offer>, &'static str> {
    let property = question.property.property.as_str();
    let prepared = Prepared::new(&person.facts.rules);
    let mut offers = Vec::new();
    let mut is_any = false;
    for campaign in campaigns {
        let Benefit::Upgrade { categories } = &campaign.spec.benefit else { continue };
        let places = &campaign.spec.properties;
        if !places.is_empty() && !places.iter().any(|it| it == property) {
            continue;
        }
        let verdict = decide_prepared(campaign, person, &prepared, property, now, hold_out);
        if verdict.outcome == Outcome::NotActive {
            continue;
        }
        is_any = true;
        let gives = |it: &&(String, i64)| categories.is_empty() || categories.contains(&it.0);
        for (category, available) in question.upgrades.iter().filter(gives) {
            offers.push(Offer {
                campaign: Arc::clone(campaign),
                category: category.clone(),
                available: *available,
                verdict: verdict.clone(),
            });
        }
    }
    if offers.is_empty() {
        return Err(if is_any { "NO_UPGRADE" } else { "NO_CAMPAIGN" });
    }
    offers.sort_by_cached_key(|it| {
        let place = question.property.place(&it.category);
        (rank(it.verdict.outcome), Reverse(place), it.campaign.activate_time, it.campaign.id)
    });
    // What can give nothing says so once for a campaign, and at all only when nothing else is said.
    let can_give = |it: &Offer| it.verdict.outcome == Outcome::Eligible;
    let mut said = Vec::new();
    let is_given = offers.iter().any(can_give);
    offers.retain(|it| {
        if can_give(it) {
            return true;
        }
        let is_first = !said.contains(&it.campaign.id);
        said.push(it.campaign.id);
        is_first && (is_to_be_compared(it.verdict.outcome) || !is_given)
    });
    let compared = |it: &Offer| is_to_be_compared(it.verdict.outcome);
    let (mut compared, mut rest): (Vec<_>, Vec<_>) = offers.into_iter().partition(compared);
    compared.truncate(CAMPAIGNS_MAX);
    let mut tried = BTreeMap::new();
    rest.retain(|it| {
        let is_one_more = tried.len() < CAMPAIGNS_MAX;
        match tried.get_mut(&it.campaign.id) {
            Some(categories) => {
                *categories += 1;
                *categories <= CATEGORIES_MAX
            }
            None if is_one_more => tried.insert(it.campaign.id, 1).is_none(),
            None => false,
        }
    });
    // What is compared is written down before what gives. What the desk is told comes last: when nothing is given, why
    // the best of what is compared gives nothing, or else the best of the rest.
    compared.reverse();
    if !is_given {
        rest.truncate(usize::from(compared.is_empty()));
    }
    compared.append(&mut rest);
    Ok(compared)
}

/// Whether an offer that was not tried yet may give something, though another one was told this instead.
pub(super) fn may_follow(outcome: &str, told: (i64, &str), offer: &Offer) -> bool {
    let is = |it: Outcome| it.as_str() == outcome;
    if is(Outcome::CategoryTaken) {
        // Whichever campaign offers it, others wait for all that is free.
        return offer.category != told.1;
    }
    // Of these the campaign gives nobody, or not this guest, any upgrade.
    let is_gone = is(Outcome::SoldOut) || is(Outcome::BudgetSpent) || is(Outcome::AlreadyGranted);
    !is_gone || offer.campaign.id != told.0
}

/// What to say to a guest.
pub(super) fn line(campaign: &Compiled, property: &Property, category: &str) -> String {
    let spec = &campaign.spec.proto;
    let (category, name) = (property.name_of(category), property.name());
    if spec.line.is_empty() {
        return format!(
            "{} would like to offer you an upgrade to {category}: {}.",
            spec.brand, spec.title
        );
    }
    spec.line
        .replace("{title}", &spec.title)
        .replace("{category}", category)
        .replace("{name}", name)
}

/// Which rule does not hold first, and why; empty: all of them do.
pub(super) fn failed_rule(campaign: &Compiled, verdict: &Verdict) -> String {
    let failed = campaign.rules.iter().zip(&verdict.rules).find(|(_, outcome)| !outcome.holds);
    let Some((rule, outcome)) = failed else { return String::new() };
    let condition = outcome.conditions.iter().find(|it| !it.holds && !it.explanation.is_empty());
    match condition {
        Some(condition) => format!("{}: {}", rule.name(), condition.explanation),
        None => rule.name().to_owned(),
    }
}

/// Whether it is written down for whoever compares, though nothing is given.
const fn is_to_be_compared(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::HeldOut | Outcome::Shadow)
}

/// What is tried first; of what gives nothing, what the desk is rather told.
const fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Eligible | Outcome::Reserved => 0,
        Outcome::HeldOut => 1,
        Outcome::Shadow => 2,
        Outcome::RuleFailed => 3,
        Outcome::PlaceFailed => 4,
        Outcome::CategoryTaken
        | Outcome::SoldOut
        | Outcome::BudgetSpent
        | Outcome::AlreadyGranted
        | Outcome::PropertyFailed
        | Outcome::NotActive => 5,
    }
}
