use klout_chassis::{Caller, Seen};
use klout_proto::perk::v1::{VerifyPassRequest, VerifyPassResponse};

use super::{DeskRpc, show};
use crate::error::Error;

pub(super) async fn verify_pass(
    rpc: &DeskRpc,
    caller: &Caller,
    request: VerifyPassRequest,
) -> Result<VerifyPassResponse, Error> {
    let pass = rpc.passes.verify(&request.pass)?;
    if !rpc.desk.consents(pass.person).await? {
        return Err(Error::PassInvalid { problem: "is not valid any more" });
    }
    rpc.lookups.note(caller, Seen::Perks, pass.person);
    Ok(VerifyPassResponse { claims: Some(show::claims(&pass)) })
}
