use klout_chassis::Caller;
use klout_proto::graph::v1::{LinkProvenAccountRequest, LinkProvenAccountResponse};

use super::{GraphRpc, parse_person};
use crate::{account::Account, error::Error, shown::as_told};

pub(super) async fn link_proven_account(
    rpc: &GraphRpc,
    caller: &Caller,
    request: LinkProvenAccountRequest,
) -> Result<LinkProvenAccountResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let account = request.account.ok_or_else(|| Error::field("account", "is missing"))?;
    let account = Account::parse(&rpc.account_key, "account", account)?;
    let (person, changed) = rpc.linker.link_proven(caller, person, &account).await?;
    if changed {
        rpc.owners_changed.ring();
    }
    Ok(LinkProvenAccountResponse { person: Some(as_told(caller, person)) })
}
