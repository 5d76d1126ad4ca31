//! `EvaluatePerks`.

use klout_chassis::{Caller, Seen};
use klout_proto::perk::v1::{
    EvaluatePerksRequest, EvaluatePerksResponse, Facts, evaluate_perks_request::Subject,
};

use super::{PerkRpc, show};
use crate::{error::Error, evaluate::NAMED_MAX, facts::Named, rpc::parse, store};

/// The longest name of a property.
const PROPERTY_BYTES_MAX: usize = 64;

pub(super) async fn evaluate_perks(
    rpc: &PerkRpc,
    caller: &Caller,
    request: EvaluatePerksRequest,
) -> Result<EvaluatePerksResponse, Error> {
    let EvaluatePerksRequest { subject, property, campaigns, eligible_only } = request;
    let named = match subject {
        Some(Subject::Person(person)) => Named::Person(parse::person("person", &person)?),
        Some(Subject::Account(account)) => Named::Account(account),
        None => return Err(Error::field("person", "is missing, and no account is named")),
    };
    if property.len() > PROPERTY_BYTES_MAX || property.contains('\0') {
        return Err(Error::field("property", "is longer than 64 bytes, or holds a NUL"));
    }
    if campaigns.len() > NAMED_MAX {
        return Err(Error::field("campaigns", "are more than 100"));
    }
    let mut ids: Vec<i64> =
        campaigns.iter().map(|it| parse::campaign(it)).collect::<Result<_, Error>>()?;
    ids.sort_unstable();
    ids.dedup();
    let campaigns = rpc.evaluator.campaigns(&ids).await?;
    let person = rpc.facts.gather(&named).await?;
    let now = rpc.granter.now();
    let mut evaluated = rpc.evaluator.evaluate(&campaigns, &person, &property, now).await?;
    // After all else that is read, and whatever social-graph says that was restored from a backup.
    let gone = store::person_state::gone(&rpc.db, &[person.id.get()]).await;
    if !gone.map_err(Error::store("look who has left"))?.is_empty() {
        return Err(Error::PersonUnknown);
    }
    rpc.lookups.note(caller, Seen::Perks, person.id);
    if eligible_only {
        evaluated.retain(|it| it.verdict.outcome == crate::decide::Outcome::Eligible);
    }
    Ok(EvaluatePerksResponse {
        person: person.id.to_string(),
        facts: Some(Facts::from(&person.facts)),
        evaluations: evaluated
            .into_iter()
            .map(|it| show::evaluation(&it.campaign, it.verdict))
            .collect(),
    })
}
