use klout_chassis::to_row;
use klout_proto::graph::v1::{
    BatchCreatePeopleRequest, BatchCreatePeopleResponse, CreatePersonResult, create_person_result,
};

use super::{GraphRpc, check_count, create_person, note};
use crate::{create, error::Error, state::By};

pub(super) async fn batch_create_people(
    rpc: &GraphRpc,
    caller: &str,
    request: BatchCreatePeopleRequest,
) -> Result<BatchCreatePeopleResponse, Error> {
    check_count(request.requests.len())?;
    let mut possible = Vec::with_capacity(request.requests.len());
    let mut refused = Vec::with_capacity(request.requests.len());
    for request in request.requests {
        match create_person::parse(&rpc.account_key, request) {
            Ok(request) => {
                possible.push(request);
                refused.push(None);
            }
            Err(error) => refused.push(Some(error)),
        }
    }
    let by = By { caller, note: note::JOINED, now: rpc.clock.now() };
    let made = create::people(&rpc.db, rpc.age_rules, &possible, &by).await?;
    rpc.owners_changed.ring();
    rpc.tell(&made.moved).await?;
    let mut people = made.people.into_iter();

    let results = refused.into_iter().map(|refused| {
        let created = match refused {
            Some(error) => Err(error),
            None => people.next().expect("as many as there were possible requests"),
        };
        let result = match created {
            Ok(created) => create_person_result::Result::Created(create_person::encode(created)),
            Err(error) => create_person_result::Result::Status(to_row(&error.into())),
        };
        CreatePersonResult { result: Some(result) }
    });
    Ok(BatchCreatePeopleResponse { results: results.collect() })
}
