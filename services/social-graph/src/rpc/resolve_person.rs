use klout_chassis::{Caller, Seen};
use klout_proto::graph::v1::{ResolvePersonRequest, ResolvePersonResponse};

use super::GraphRpc;
use crate::{account::Named, error::Error, resolve::resolve};

pub(super) async fn resolve_person(
    rpc: &GraphRpc,
    caller: &Caller,
    request: ResolvePersonRequest,
) -> Result<ResolvePersonResponse, Error> {
    let account = Named::parse(&rpc.account_key, "account", request.account)?;
    let people = resolve(&rpc.db, caller, &[account]).await?;
    let person = people.into_iter().next().expect("as many as there were accounts")?;
    rpc.lookups.note(caller, Seen::Identity, person);
    Ok(ResolvePersonResponse { person: person.to_string(), ..Default::default() })
}
