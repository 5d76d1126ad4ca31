//! `ReverseGrant`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ReverseGrantRequest, ReverseGrantResponse};

use super::{PerkRpc, show};
use crate::error::Error;

/// The longest reason, in characters.
const WHY_MAX: usize = 500;

pub(super) async fn reverse_grant(
    rpc: &PerkRpc,
    caller: &Caller,
    request: ReverseGrantRequest,
) -> Result<ReverseGrantResponse, Error> {
    let ReverseGrantRequest { campaign, grant, why } = request;
    let (campaign, grant) = show::parse_grant(&campaign, &grant)?;
    if why.chars().count() > WHY_MAX || why.contains('\0') {
        return Err(Error::field("why", "is longer than 500 characters, or holds a NUL"));
    }
    show::refuse_of_others(rpc, caller, campaign, grant).await?;
    let grant = rpc.granter.reverse(campaign, grant, why).await?;
    Ok(ReverseGrantResponse { grant: Some(show::current_grant(rpc, caller, grant).await?) })
}
