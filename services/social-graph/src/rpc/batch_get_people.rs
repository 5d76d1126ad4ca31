use std::collections::BTreeMap;

use klout_proto::graph::v1::{BatchGetPeopleRequest, BatchGetPeopleResponse};

use super::{GraphRpc, check_count, parse_person};
use crate::{error::Error, people};

pub(super) async fn batch_get_people(
    rpc: &GraphRpc,
    request: BatchGetPeopleRequest,
) -> Result<BatchGetPeopleResponse, Error> {
    check_count(request.people.len())?;
    let asked: Vec<_> = request
        .people
        .iter()
        .enumerate()
        .map(|(index, person)| parse_person(&format!("people[{index}]"), person))
        .collect::<Result<_, _>>()?;
    let mut connection = rpc.db.acquire().await.map_err(Error::store("read people"))?;
    let found = people::shown(&mut connection, &asked).await?;
    // Two ids may mean one person.
    let people: BTreeMap<_, _> =
        found.into_values().map(|person| (person.person.clone(), person)).collect();
    Ok(BatchGetPeopleResponse { people: people.into_values().collect() })
}
