use klout_chassis::{Caller, Seen};
use klout_proto::graph::v1::{GetPersonRequest, GetPersonResponse};

use super::{GraphRpc, parse_person};
use crate::{error::Error, people, shown::hidden_from};

pub(super) async fn get_person(
    rpc: &GraphRpc,
    caller: &Caller,
    request: GetPersonRequest,
) -> Result<GetPersonResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let people = [person];
    let found = async {
        let mut connection = rpc.db.acquire().await.map_err(Error::store("read people"))?;
        people::find(&mut connection, &people).await
    };
    let (mut found, hidden) = tokio::try_join!(found, hidden_from(&rpc.db, caller, &people))?;
    let found = found.remove(&person).filter(|_| !hidden.contains(&person));
    let found = found.ok_or(Error::PersonUnknown { person })?;
    rpc.lookups.note(caller, Seen::Profile, person);
    Ok(GetPersonResponse { person: Some(found) })
}
