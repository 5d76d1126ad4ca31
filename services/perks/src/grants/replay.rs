//! Decides once more from what was written down. Pure.

use klout_model::PersonId;

use super::Decided;
use crate::{
    campaigns::{CampaignState, Compiled},
    decide::{HoldOut, Outcome, Verdict, decide},
    error::Error,
    facts::Person,
};

/// What the version that decided says about the same facts at the same time, and whether that is what was decided.
///
/// What was left of stock and budgets is not known any more, nor whether the campaign was paused, nor who was held out
/// once they are somebody else: what rests on it is taken as it was written down.
pub(crate) fn replay(decided: &Decided, hold_out: &HoldOut) -> Result<(Verdict, bool), Error> {
    let recorded = &decided.decision;
    let known = recorded.known().zip(recorded.person.and_then(PersonId::new));
    let (facts, id) = known.ok_or(Error::DecisionErased)?;
    let person = Person { id, facts };
    let campaign = Compiled { state: CampaignState::Active, ..Compiled::clone(&decided.campaign) };
    let verdict = decide(&campaign, &person, &recorded.property, recorded.decide_time, hold_out);
    let outcome = as_recorded(&recorded.outcome, &campaign, verdict.outcome);
    let verdict = Verdict { outcome, ..verdict };
    let same = match recorded.outcome.as_str() {
        "NOT_ACTIVE" => true,
        // Whoever qualified got it, or there was nothing left.
        "RESERVED" | "CATEGORY_TAKEN" | "SOLD_OUT" | "BUDGET_SPENT" | "ALREADY_GRANTED" => {
            verdict.outcome == Outcome::Eligible
        }
        outcome => verdict.outcome.as_str() == outcome,
    };
    Ok((verdict, same))
}

/// Puts those who qualify into the group in which they were.
fn as_recorded(recorded: &str, campaign: &Compiled, outcome: Outcome) -> Outcome {
    let was_held_out = recorded == Outcome::HeldOut.as_str();
    let qualifies = matches!(outcome, Outcome::Eligible | Outcome::Shadow | Outcome::HeldOut);
    if !qualifies {
        outcome
    } else if was_held_out && campaign.spec.hold_out_share > 0.0 {
        Outcome::HeldOut
    } else if campaign.spec.shadow {
        Outcome::Shadow
    } else {
        Outcome::Eligible
    }
}
