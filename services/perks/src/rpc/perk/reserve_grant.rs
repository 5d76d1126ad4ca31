//! `ReserveGrant`.

use klout_chassis::{Caller, Seen};
use klout_model::PersonId;
use klout_proto::perk::v1::{
    ReserveGrantRequest, ReserveGrantResponse, reserve_grant_request::Subject,
};
use prost::Message as _;

use super::{PerkRpc, show};
use crate::{
    decide::decide,
    error::Error,
    facts::Named,
    grants::{Ask, Decided, unique_key},
    rpc::parse,
};

/// The longest name of a stay, and of a property.
const NAME_BYTES_MAX: usize = 128;

/// A request that can be read.
struct Asked {
    campaign: i64,
    subject: Subject,
    request_id: String,
    property: String,
    stay: String,
    fingerprint: [u8; 32],
}

pub(super) async fn reserve_grant(
    rpc: &PerkRpc,
    caller: &Caller,
    request: ReserveGrantRequest,
) -> Result<ReserveGrantResponse, Error> {
    // Of all that was asked, as it was sent.
    let fingerprint = *blake3::hash(&request.encode_to_vec()).as_bytes();
    let ReserveGrantRequest { campaign, subject, request_id, property, stay } = request;
    let campaign = parse::campaign(&campaign)?;
    let missing = || Error::field("request_id", "is missing");
    let request_id = parse::request_id(&request_id)?.ok_or_else(missing)?.to_owned();
    check_name("property", &property)?;
    check_name("stay", &stay)?;
    let subject = subject.ok_or_else(|| Error::field("person", "is missing"))?;

    let asked = Asked { campaign, subject, request_id, property, stay, fingerprint };
    let request_id = asked.request_id.clone();
    let decided = match decide_anew(rpc, caller, asked).await {
        Ok(decided) => decided,
        // What was decided on the request before stands, whatever is known or allowed by now.
        Err(error) => match rpc.granter.recorded(campaign, caller.name(), &request_id).await? {
            Some(recorded) => recorded,
            None => return Err(error),
        },
    };
    if decided.decision.fingerprint != fingerprint {
        return Err(Error::RequestIdReused);
    }
    if let Some(person) = decided.decision.person.and_then(PersonId::new) {
        rpc.lookups.note(caller, Seen::Perks, person);
    }
    Ok(response(rpc, decided))
}

/// Decides. What was decided on the request before is found by whoever writes it down.
async fn decide_anew(rpc: &PerkRpc, caller: &Caller, asked: Asked) -> Result<Decided, Error> {
    let Asked { campaign, subject, request_id, property, stay, fingerprint } = asked;
    let compiled = rpc.campaigns.get(campaign).await?;
    if !property.is_empty() && rpc.properties.get(&property).await?.is_sandbox {
        return Err(Error::field("property", "is a sandbox, where nothing is given"));
    }
    let person = rpc.facts.gather(&named(rpc, subject)?).await?;
    unique_key(&compiled.spec, person.id.get(), &property, &stay)?;
    let verdict = decide(&compiled, &person, &property, rpc.granter.now(), &rpc.hold_out);
    let ask = Ask {
        campaign: compiled,
        person: person.id,
        known: person.facts,
        verdict,
        property,
        stay,
        category: String::new(),
        caller: caller.clone(),
        request_id,
        fingerprint,
        check_in: None,
    };
    rpc.granter.reserve(ask).await
}

fn response(rpc: &PerkRpc, decided: Decided) -> ReserveGrantResponse {
    let (decision, grant) = show::decided(decided, rpc.granter.now());
    ReserveGrantResponse { decision: Some(decision), grant }
}

fn named(rpc: &PerkRpc, subject: Subject) -> Result<Named, Error> {
    match subject {
        Subject::Person(person) => person
            .parse()
            .map(Named::Person)
            .map_err(|_| Error::field("person", "is not a decimal from 1 to 9223372036854775807")),
        Subject::Account(account) => Ok(Named::Account(account)),
        Subject::Pass(pass) => Ok(Named::Person(rpc.desk.verify(&pass)?.person)),
    }
}

fn check_name(field: &'static str, name: &str) -> Result<(), Error> {
    if name.len() > NAME_BYTES_MAX || name.contains('\0') {
        return Err(Error::field(field, "is longer than 128 bytes, or holds a NUL"));
    }
    Ok(())
}
