//! `ReleaseGrant`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ReleaseGrantRequest, ReleaseGrantResponse};

use super::{PerkRpc, show};
use crate::error::Error;

pub(super) async fn release_grant(
    rpc: &PerkRpc,
    caller: &Caller,
    request: ReleaseGrantRequest,
) -> Result<ReleaseGrantResponse, Error> {
    let (campaign, grant) = show::parse_grant(&request.campaign, &request.grant)?;
    show::refuse_of_others(rpc, caller, campaign, grant).await?;
    let grant = rpc.granter.release(campaign, grant).await?;
    Ok(ReleaseGrantResponse { grant: Some(show::current_grant(rpc, caller, grant).await?) })
}
