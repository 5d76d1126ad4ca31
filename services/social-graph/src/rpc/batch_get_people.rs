use klout_chassis::{Caller, Seen};
use klout_proto::graph::v1::{BatchGetPeopleRequest, BatchGetPeopleResponse};

use super::{GraphRpc, check_count, parse_person};
use crate::{error::Error, people, shown::hidden_from};

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
    let mut found = people::find(&mut connection, &asked).await?;
    drop(connection);
    let hidden = hidden_from(&rpc.db, caller, &asked).await?;
    found.retain(|person, _| !hidden.contains(person));
    for person in found.keys() {
        rpc.lookups.note(caller, Seen::Profile, *person);
    }
    Ok(BatchGetPeopleResponse { people: found.into_values().collect() })
}
