use klout_chassis::{Caller, Seen};
use klout_proto::graph::v1::{GetPersonRequest, GetPersonResponse};

use super::{GraphRpc, parse_person};
use crate::{
    error::Error,
    shown::{as_told, shown_to},
};

pub(super) async fn get_person(
    rpc: &GraphRpc,
    caller: &Caller,
    request: GetPersonRequest,
) -> Result<GetPersonResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let found = shown_to(&rpc.db, caller, person).await?;
    // Whoever was merged is somebody else.
    let now = parse_person("person", &found.person)?;
    rpc.lookups.note(caller, Seen::Profile, now);
    Ok(GetPersonResponse { person: Some(as_told(caller, found)) })
}
