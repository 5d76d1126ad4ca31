use klout_proto::graph::v1::{UnlinkAccountRequest, UnlinkAccountResponse};

use super::{GraphRpc, parse_person};
use crate::{account::Named, error::Error, link_account, plus_k::NETWORK};

pub(super) async fn unlink_account(
    rpc: &GraphRpc,
    request: UnlinkAccountRequest,
) -> Result<UnlinkAccountResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let Named::NativeId { id, network, .. } =
        Named::parse(&rpc.account_key, "account", request.account)?
    else {
        return Err(Error::field("account.native_id", "is missing"));
    };
    if network.as_str() == NETWORK {
        return Err(Error::field("account.network", "is where members vouch, and nobody links it"));
    }
    let (person, changed) = link_account::unlink_account(&rpc.db, person, id).await?;
    if changed {
        rpc.owners_changed.ring();
    }
    Ok(UnlinkAccountResponse { person: Some(person) })
}
