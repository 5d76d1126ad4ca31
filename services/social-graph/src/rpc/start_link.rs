use klout_chassis::Caller;
use klout_proto::{
    convert,
    graph::v1::{StartLinkRequest, StartLinkResponse},
};

use super::{GraphRpc, parse_person};
use crate::{account::Account, error::Error, proof::Proof, shown};

pub(super) async fn start_link(
    rpc: &GraphRpc,
    caller: &Caller,
    request: StartLinkRequest,
) -> Result<StartLinkResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let account = request.account.ok_or_else(|| Error::field("account", "is missing"))?;
    let account = Account::parse(&rpc.account_key, "account", account)?;
    let method = Proof::method(&request.method)?;
    shown::check(&rpc.db, caller, person).await?;
    let told = rpc.linker.start(caller, person, account, method).await?;
    Ok(StartLinkResponse {
        link: told.link,
        challenge: told.challenge,
        profile_page: told.profile_page.into(),
        instructions: told.instructions,
        expire_time: Some(convert::timestamp(told.expire_time)),
    })
}
