//! `ReplayDecision`.

use klout_chassis::{Caller, Seen};
use klout_model::PersonId;
use klout_proto::perk::v1::{ReplayDecisionRequest, ReplayDecisionResponse};

use super::{PerkRpc, show};
use crate::{error::Error, grants::replay, rpc::parse, store};

pub(super) async fn replay_decision(
    rpc: &PerkRpc,
    caller: &Caller,
    request: ReplayDecisionRequest,
) -> Result<ReplayDecisionResponse, Error> {
    let ReplayDecisionRequest { campaign, decision } = request;
    let both = parse::number(&campaign).zip(parse::number(&decision));
    let found = match both {
        Some((campaign, decision)) => store::decision::find(&rpc.db, campaign, decision).await,
        None => Ok(None),
    };
    let found = found.map_err(Error::store("read a decision"))?;
    let mut recorded =
        found.ok_or_else(|| Error::DecisionUnknown { decision: parse::beginning(&decision) })?;
    rpc.granter.hide_gone(std::slice::from_mut(&mut recorded)).await?;
    let decided = rpc.granter.explained(recorded).await?;
    let (verdict, same) = replay::replay(&decided, &rpc.hold_out)?;
    if let Some(person) = decided.decision.person.and_then(PersonId::new) {
        rpc.lookups.note(caller, Seen::Perks, person);
    }
    let evaluation = show::evaluation(&decided.campaign, verdict);
    let (decision, _) = show::decided(decided, rpc.granter.now());
    Ok(ReplayDecisionResponse { decision: Some(decision), evaluation: Some(evaluation), same })
}
