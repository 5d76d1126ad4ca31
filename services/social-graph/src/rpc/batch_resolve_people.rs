use klout_chassis::{Caller, Seen, to_row};
use klout_proto::graph::v1::{
    BatchResolvePeopleRequest, BatchResolvePeopleResponse, ResolveResult, resolve_result,
};

use super::{GraphRpc, check_count};
use crate::{account::Named, error::Error, resolve::resolve};

pub(super) async fn batch_resolve_people(
    rpc: &GraphRpc,
    caller: &Caller,
    request: BatchResolvePeopleRequest,
) -> Result<BatchResolvePeopleResponse, Error> {
    check_count(request.accounts.len())?;
    let mut possible = Vec::with_capacity(request.accounts.len());
    let mut refused = Vec::with_capacity(request.accounts.len());
    for (index, account) in request.accounts.into_iter().enumerate() {
        match Named::parse(&rpc.account_key, &format!("accounts[{index}]"), Some(account)) {
            Ok(account) => {
                possible.push(account);
                refused.push(None);
            }
            Err(error) => refused.push(Some(error)),
        }
    }
    let mut people = resolve(&rpc.db, caller, &possible).await?.into_iter();

    let results = refused.into_iter().map(|refused| {
        let person = match refused {
            Some(error) => Err(error),
            None => people.next().expect("as many as there were possible accounts"),
        };
        let result = match person {
            Ok(person) => {
                rpc.lookups.note(caller, Seen::Identity, person);
                resolve_result::Result::Person(person.to_string())
            }
            Err(error) => resolve_result::Result::Status(to_row(&error.into())),
        };
        ResolveResult { result: Some(result) }
    });
    Ok(BatchResolvePeopleResponse { results: results.collect() })
}
