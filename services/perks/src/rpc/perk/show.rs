//! Grants and decisions on the wire.

use std::{collections::HashSet, sync::Arc};

use klout_chassis::Caller;
use klout_perk_rules::{Rule, RuleOutcome};
use klout_proto::{convert::timestamp, perk::v1 as wire};
use time::OffsetDateTime;

use super::{PerkRpc, sees_all};
use crate::{
    campaigns::Compiled,
    decide::{Outcome, Verdict},
    error::Error,
    grants::{Decided, Grant, Recorded},
    rpc::parse,
    store,
};

/// What names a grant. What cannot be one is none.
pub(super) fn parse_grant(campaign: &str, grant: &str) -> Result<(i64, i64), Error> {
    let both = parse::number(campaign).zip(parse::number(grant));
    both.ok_or_else(|| Error::GrantUnknown { grant: parse::beginning(grant) })
}

/// To whoever did not reserve a grant it is none, but to operators.
pub(super) async fn refuse_of_others(
    rpc: &PerkRpc,
    caller: &Caller,
    campaign: i64,
    grant: i64,
) -> Result<(), Error> {
    if sees_all(caller) || !reserved_by(rpc, caller, &[(campaign, grant)]).await?.is_empty() {
        return Ok(());
    }
    Err(Error::GrantUnknown { grant: grant.to_string() })
}

/// Those of these grants, by campaign and number, that a caller reserved.
pub(super) async fn reserved_by(
    rpc: &PerkRpc,
    caller: &Caller,
    grants: &[(i64, i64)],
) -> Result<HashSet<(i64, i64)>, Error> {
    let found = store::decision::reserved_by(&rpc.db, caller.name(), grants).await;
    found.map_err(Error::store("look who reserved"))
}

/// A grant as it is now. Of who has left it says not that it is theirs. Nor does it at a desk, which may have named its
/// guest by a hash alone: a hash never yields who that is.
pub(super) async fn current_grant(
    rpc: &PerkRpc,
    caller: &Caller,
    mut shown: Grant,
) -> Result<wire::Grant, Error> {
    let at_a_desk = !shown.category.is_empty();
    shown.person = shown.person.filter(|_| sees_all(caller) || !at_a_desk);
    let person: Vec<i64> = shown.person.into_iter().collect();
    let gone = store::person_state::masked(&rpc.db, &person).await;
    let gone = gone.map_err(Error::store("look who has left"))?;
    shown.person = shown.person.filter(|it| !gone.contains(it));
    let offered = rpc.campaigns.offered(shown.campaign, shown.version).await?;
    Ok(grant(&offered, shown, rpc.granter.now()))
}

/// A grant, with what the version that decided offers.
pub(super) fn grant(spec: &wire::CampaignSpec, grant: Grant, now: OffsetDateTime) -> wire::Grant {
    let value = spec.benefit.as_ref().and_then(|it| it.value.as_ref());
    // Nobody is told a code before, as it then may become somebody else's.
    let code = grant.code.filter(|_| grant.confirm_time.is_some());
    let state = grant.state.at(grant.expire_time, now);
    wire::Grant {
        grant: grant.id.to_string(),
        campaign: grant.campaign.to_string(),
        version: grant.version,
        person: text(grant.person),
        state: state.as_str().to_owned(),
        property: grant.property,
        stay: grant.stay,
        value: value.map(|it| wire::Money { minor_units: grant.minor_units, ..it.clone() }),
        code: code.unwrap_or_default(),
        reserve_time: Some(timestamp(grant.reserve_time)),
        expire_time: Some(timestamp(grant.expire_time)),
        confirm_time: grant.confirm_time.map(timestamp),
        // Whether or not it was written down by now.
        end_time: grant
            .end_time
            .or_else(|| (state != grant.state).then_some(grant.expire_time))
            .map(timestamp),
        title: spec.title.clone(),
        benefit: spec.benefit.clone(),
        disclosure: spec.disclosure.clone(),
        category: grant.category,
    }
}

/// A decision, and the grant.
pub(super) fn decided(
    decided: Decided,
    now: OffsetDateTime,
) -> (wire::Decision, Option<wire::Grant>) {
    let Decided { decision: recorded, rules: outcomes, campaign, grant: given } = decided;
    let rules = outcomes.map(|it| rules(&campaign.rules, it)).unwrap_or_default();
    let given = given.map(|given| grant(&campaign.spec.proto, given, now));
    (decision(recorded, rules), given)
}

/// A decision, and what each rule said.
pub(super) fn decision(decision: Recorded, rules: Vec<wire::RuleResult>) -> wire::Decision {
    let facts = decision.known();
    wire::Decision {
        decision: decision.id.to_string(),
        campaign: decision.campaign.to_string(),
        version: decision.version,
        request_id: decision.request_id,
        person: text(decision.person),
        property: decision.property,
        stay: decision.stay,
        outcome: decision.outcome,
        facts: facts.as_ref().map(wire::Facts::from),
        rules,
        grant: text(decision.grant),
        caller: decision.caller,
        purpose: decision.purpose,
        decide_time: Some(timestamp(decision.decide_time)),
    }
}

/// What a campaign says about somebody.
pub(super) fn evaluation(campaign: &Arc<Compiled>, verdict: Verdict) -> wire::Evaluation {
    let spec = &campaign.spec.proto;
    wire::Evaluation {
        campaign: campaign.id.to_string(),
        version: campaign.version,
        title: spec.title.clone(),
        brand: spec.brand.clone(),
        benefit: spec.benefit.clone(),
        disclosure: spec.disclosure.clone(),
        eligible: verdict.outcome == Outcome::Eligible,
        outcome: verdict.outcome.as_str().to_owned(),
        rules: rules(&campaign.rules, verdict.rules),
    }
}

fn rules(rules: &[Rule], outcomes: Vec<RuleOutcome>) -> Vec<wire::RuleResult> {
    let condition = |it: klout_perk_rules::ConditionOutcome| wire::ConditionResult {
        condition: it.condition,
        holds: it.holds,
        explanation: it.explanation,
    };
    let outcomes = rules.iter().zip(outcomes);
    let result = |(rule, outcome): (&Rule, RuleOutcome)| wire::RuleResult {
        rule: rule.name().to_owned(),
        holds: outcome.holds,
        conditions: outcome.conditions.into_iter().map(condition).collect(),
    };
    outcomes.map(result).collect()
}

fn text(id: Option<i64>) -> String {
    id.map(|it| it.to_string()).unwrap_or_default()
}
