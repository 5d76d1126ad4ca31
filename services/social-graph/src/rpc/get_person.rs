use klout_proto::graph::v1::{GetPersonRequest, GetPersonResponse};

use super::{GraphRpc, parse_person};
use crate::{error::Error, people};

pub(super) async fn get_person(
    rpc: &GraphRpc,
    request: GetPersonRequest,
) -> Result<GetPersonResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let mut connection = rpc.db.acquire().await.map_err(Error::store("read people"))?;
    let found = people::shown(&mut connection, &[person]).await?.remove(&person);
    Ok(GetPersonResponse { person: Some(found.ok_or(Error::PersonUnknown { person })?) })
}
