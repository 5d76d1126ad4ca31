use std::collections::BTreeMap;

use klout_chassis::{Caller, Seen};
use klout_model::PersonId;
use klout_proto::graph::v1::{BatchGetPeopleRequest, BatchGetPeopleResponse};

use super::{GraphRpc, check_count, parse_person};
use crate::{
    error::Error,
    people,
    shown::{Hidden, as_told},
};

pub(super) async fn batch_get_people(
    rpc: &GraphRpc,
    caller: &Caller,
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
    drop(connection);
    // Two ids may mean one person.
    let mut people: BTreeMap<PersonId, _> = BTreeMap::new();
    for person in found.into_values() {
        people.insert(parse_person("person", &person.person)?, person);
    }
    let hidden = Hidden::from(caller);
    people.retain(|_, person| !hidden.person(&person.withheld_purposes));
    for person in people.keys() {
        rpc.lookups.note(caller, Seen::Profile, *person);
    }
    Ok(BatchGetPeopleResponse {
        people: people.into_values().map(|it| as_told(caller, it)).collect(),
    })
}
