use klout_model::AccountKey;
use klout_proto::graph::v1::{CreatePersonRequest, CreatePersonResponse};

use super::GraphRpc;
use crate::{
    account::Account,
    create::{self, Created, NewPerson},
    error::Error,
    place::{Move, Place},
};

/// Accounts of one person in one request.
const ACCOUNTS_MAX: usize = 100;

pub(super) async fn create_person(
    rpc: &GraphRpc,
    request: CreatePersonRequest,
) -> Result<CreatePersonResponse, Error> {
    let request = parse(&rpc.account_key, request)?;
    let moves = request.place.is_some();
    let people = create::people(&rpc.db, &[request], rpc.clock.now()).await?;
    let created = people.into_iter().next().expect("as many as there were requests")?;
    if created.created || moves {
        rpc.owners_changed.ring();
    }
    Ok(encode(created))
}

pub(super) fn parse(key: &AccountKey, request: CreatePersonRequest) -> Result<NewPerson, Error> {
    if request.accounts.len() > ACCOUNTS_MAX {
        return Err(Error::field("accounts", "has more than 100"));
    }
    let place = if request.country.is_empty() && request.city.is_empty() {
        None
    } else {
        let to = Move::parse(Some(request.country), Some(request.city))?;
        Some(to.from(&Place::default())?)
    };
    let accounts = request.accounts.into_iter().enumerate();
    let accounts = accounts
        .map(|(index, account)| Account::parse(key, &format!("accounts[{index}]"), account))
        .collect::<Result<_, _>>()?;
    Ok(NewPerson { accounts, place })
}

pub(super) fn encode(created: Created) -> CreatePersonResponse {
    CreatePersonResponse { person: Some(created.person), created: created.created }
}
