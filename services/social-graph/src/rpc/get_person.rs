use klout_chassis::{Caller, Seen};
use klout_proto::graph::v1::{GetPersonRequest, GetPersonResponse};

use super::{GraphRpc, parse_person};
use crate::{
    error::Error,
    people,
    shown::{as_told, hidden_from},
};

pub(super) async fn get_person(
    rpc: &GraphRpc,
    caller: &Caller,
    request: GetPersonRequest,
) -> Result<GetPersonResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let unknown = || Error::PersonUnknown { person };
    let people = [person];
    let found = async {
        let mut connection = rpc.db.acquire().await.map_err(Error::store("read people"))?;
        people::shown(&mut connection, &people).await
    };
    let (mut found, mut hidden) = tokio::try_join!(found, hidden_from(&rpc.db, caller, &people))?;
    let found = found.remove(&person).ok_or_else(unknown)?;
    // Whoever was merged is somebody else, who may consent to something else.
    let now = parse_person("person", &found.person)?;
    if now != person {
        hidden = hidden_from(&rpc.db, caller, &[now]).await?;
    }
    if hidden.contains(&now) {
        return Err(unknown());
    }
    rpc.lookups.note(caller, Seen::Profile, now);
    Ok(GetPersonResponse { person: Some(as_told(caller, found)) })
}
