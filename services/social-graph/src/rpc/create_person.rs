use klout_model::AccountKey;
use klout_proto::graph::v1::{CreatePersonRequest, CreatePersonResponse};

use super::GraphRpc;
use crate::{
    account::Account,
    create::{self, Created},
    error::Error,
};

/// Accounts of one person in one request.
const ACCOUNTS_MAX: usize = 100;

pub(super) async fn create_person(
    rpc: &GraphRpc,
    request: CreatePersonRequest,
) -> Result<CreatePersonResponse, Error> {
    let accounts = parse(&rpc.account_key, request)?;
    let people = create::people(&rpc.db, &[accounts], rpc.clock.now()).await?;
    let created = people.into_iter().next().expect("as many as there were requests")?;
    if created.created {
        rpc.owners_changed.notify_one();
    }
    Ok(encode(created))
}

pub(super) fn parse(key: &AccountKey, request: CreatePersonRequest) -> Result<Vec<Account>, Error> {
    if request.accounts.len() > ACCOUNTS_MAX {
        return Err(Error::field("accounts", "has more than 100"));
    }
    let accounts = request.accounts.into_iter().enumerate();
    accounts
        .map(|(index, account)| Account::parse(key, &format!("accounts[{index}]"), account))
        .collect()
}

pub(super) fn encode(created: Created) -> CreatePersonResponse {
    CreatePersonResponse { person: Some(created.person), created: created.created }
}
