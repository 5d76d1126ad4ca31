use klout_proto::graph::v1::{LinkAccountRequest, LinkAccountResponse};

use super::{GraphRpc, parse_person};
use crate::{account::Account, error::Error, link_account, proof::Proof};

pub(super) async fn link_account(
    rpc: &GraphRpc,
    request: LinkAccountRequest,
) -> Result<LinkAccountResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let account = request.account.ok_or_else(|| Error::field("account", "is missing"))?;
    let account = Account::parse(&rpc.account_key, "account", account)?;
    let (person, changed) =
        link_account::link_account(&rpc.db, person, &account, Proof::Operator, rpc.clock.now())
            .await?;
    if changed {
        rpc.owners_changed.ring();
    }
    Ok(LinkAccountResponse { person: Some(person) })
}
