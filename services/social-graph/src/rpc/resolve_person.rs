use klout_chassis::{Caller, Seen};
use klout_proto::graph::v1::{ResolvePersonRequest, ResolvePersonResponse};

use super::{GraphRpc, parse_person};
use crate::{
    account::Named,
    contact::Contact,
    error::Error,
    identify::{Customer, Names, identify},
    likelihood::Meant,
};

/// Accounts in one request.
const ACCOUNTS_MAX: usize = 25;

/// What somebody has to be as likely as, unless it is said otherwise.
const MIN_LIKELIHOOD: f64 = 0.95;

pub(super) async fn resolve_person(
    rpc: &GraphRpc,
    caller: &Caller,
    request: ResolvePersonRequest,
) -> Result<ResolvePersonResponse, Error> {
    let customers = [customer(rpc, request)?];
    let mut meant = identify(&rpc.db, &rpc.contact_keys, caller, &customers).await?;
    let meant = meant.pop().expect("one was asked for")?;
    rpc.lookups.note(caller, Seen::Identity, meant.person);
    Ok(ResolvePersonResponse {
        person: if meant.by_hashes_alone { String::new() } else { meant.person.to_string() },
        likelihood: meant.likelihood,
        matched_on: matched_on(&meant),
    })
}

/// By what somebody was found, in words.
pub(super) fn matched_on(meant: &Meant) -> Vec<String> {
    meant.matched_on.iter().map(|name| name.text().to_owned()).collect()
}

/// What can be used of a request.
pub(super) fn customer(rpc: &GraphRpc, request: ResolvePersonRequest) -> Result<Customer, Error> {
    let min = request.min_likelihood.unwrap_or(MIN_LIKELIHOOD);
    if !(0.0..=1.0).contains(&min) {
        return Err(Error::field("min_likelihood", "is not from 0 to 1"));
    }
    if !request.person.is_empty() {
        let person = parse_person("person", &request.person)?;
        return Ok(Customer { names: Names::Person(person), min });
    }
    if request.accounts.len() > ACCOUNTS_MAX {
        return Err(Error::field("accounts", "are more than 25"));
    }
    let one = request.account.map(|account| ("account".to_owned(), account));
    let several = request.accounts.into_iter().enumerate();
    let several = several.map(|(index, account)| (format!("accounts[{index}]"), account));
    let (mut accounts, mut unusable) = (Vec::new(), None);
    for (path, account) in one.into_iter().chain(several) {
        match Named::parse(&rpc.account_key, &path, Some(account)) {
            Ok(account) => accounts.push(account),
            Err(error) => unusable = unusable.or(Some(error)),
        }
    }
    let (contacts, flaws) = Contact::parse_usable(request.contacts.unwrap_or_default())?;
    if accounts.is_empty() && contacts.is_empty() {
        let nothing = || Error::field("account", "is missing, and nothing else is named");
        return Err(unusable.or(flaws.into_iter().next()).unwrap_or_else(nothing));
    }
    Ok(Customer { names: Names::Several { accounts, contacts }, min })
}
