use std::collections::HashSet;

use klout_model::{Network, Purpose};
use klout_proto::graph::v1::{SetConsentRequest, SetConsentResponse};

use super::{GraphRpc, parse_note, parse_person};
use crate::{
    error::Error,
    state::{By, Change, State},
};

/// Purposes or networks in one request.
const WORDS_MAX: usize = 100;

pub(super) async fn set_consent(
    rpc: &GraphRpc,
    caller: &str,
    request: SetConsentRequest,
) -> Result<SetConsentResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let note = parse_note(&request.note)?;
    let changes = parse(&request)?;
    let by = By { caller, note, now: rpc.clock.now() };
    let (consent, receipt) = rpc.ledger().set(person, &changes, &by).await?;
    Ok(SetConsentResponse { consent: Some(consent), receipt })
}

fn parse(request: &SetConsentRequest) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    match request.state.as_str() {
        "" => {}
        "MEMBER" => changes.push(Change::State(State::Member)),
        "OPTED_OUT" => changes.push(Change::State(State::OptedOut)),
        _ => return Err(Error::field("state", "is neither MEMBER nor OPTED_OUT")),
    }
    let mut named = HashSet::new();
    for (field, words, granted) in [
        ("grant_purposes", &request.grant_purposes, true),
        ("withhold_purposes", &request.withhold_purposes, false),
    ] {
        check(field, words)?;
        for word in words {
            let purpose: Purpose = word.parse().map_err(|unknown| Error::field(field, unknown))?;
            if !named.insert(purpose) {
                return Err(Error::field(field, format!("has {purpose} twice, or both are said")));
            }
            changes.push(Change::Purpose { purpose, granted });
        }
    }
    let mut named = HashSet::new();
    for (field, words, granted) in [
        ("grant_networks", &request.grant_networks, true),
        ("withhold_networks", &request.withhold_networks, false),
    ] {
        check(field, words)?;
        for word in words {
            let network: Network = word.parse().map_err(|reason| Error::field(field, reason))?;
            let network = network.to_string();
            if !named.insert(network.clone()) {
                return Err(Error::field(field, format!("has {network} twice, or both are said")));
            }
            changes.push(Change::Network { network, granted });
        }
    }
    Ok(changes)
}

fn check(field: &str, words: &[String]) -> Result<(), Error> {
    if words.len() > WORDS_MAX {
        return Err(Error::field(field, format!("has more than {WORDS_MAX}")));
    }
    Ok(())
}
