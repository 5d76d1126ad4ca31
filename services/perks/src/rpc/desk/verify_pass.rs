use klout_chassis::{Caller, Seen};
use klout_proto::perk::v1::{VerifyPassRequest, VerifyPassResponse};

use super::{DeskRpc, show};
use crate::error::Error;

pub(super) async fn verify_pass(
    rpc: &DeskRpc,
    caller: &Caller,
    request: VerifyPassRequest,
) -> Result<VerifyPassResponse, Error> {
    let mut pass = rpc.passes.verify(&request.pass)?;
    let person = rpc.desk.consenting(pass.person).await?;
    pass.person = person.ok_or(Error::PassInvalid { problem: "is not valid any more" })?;
    rpc.lookups.note(caller, Seen::Perks, pass.person);
    Ok(VerifyPassResponse { claims: Some(show::claims(&pass)) })
}
