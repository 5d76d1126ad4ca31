use klout_proto::graph::v1::{UnlinkAccountRequest, UnlinkAccountResponse};

use super::{GraphRpc, parse_person};
use crate::{account::Named, error::Error, link_account};

pub(super) async fn unlink_account(
    rpc: &GraphRpc,
    request: UnlinkAccountRequest,
) -> Result<UnlinkAccountResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let Named::NativeId { id, .. } = Named::parse(&rpc.account_key, "account", request.account)?
    else {
        return Err(Error::field("account.native_id", "is missing"));
    };
    let (person, changed) = link_account::unlink_account(&rpc.db, person, id).await?;
    if changed {
        rpc.owners_changed.ring();
    }
    Ok(UnlinkAccountResponse { person: Some(person) })
}
