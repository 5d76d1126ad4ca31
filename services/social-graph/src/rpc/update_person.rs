use klout_proto::graph::v1::{UpdatePersonRequest, UpdatePersonResponse};

use super::{GraphRpc, parse_person};
use crate::{error::Error, place::Move, update};

pub(super) async fn update_person(
    rpc: &GraphRpc,
    request: UpdatePersonRequest,
) -> Result<UpdatePersonResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let to = Move::parse(request.country, request.city)?;
    let (person, changed) = update::person(&rpc.db, person, to).await?;
    if changed {
        rpc.owners_changed.ring();
    }
    Ok(UpdatePersonResponse { person: Some(person) })
}
