//! `ConfirmGrant`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ConfirmGrantRequest, ConfirmGrantResponse};

use super::{PerkRpc, show};
use crate::error::Error;

pub(super) async fn confirm_grant(
    rpc: &PerkRpc,
    caller: &Caller,
    request: ConfirmGrantRequest,
) -> Result<ConfirmGrantResponse, Error> {
    let (campaign, grant) = show::parse_grant(&request.campaign, &request.grant)?;
    show::refuse_of_others(rpc, caller, campaign, grant).await?;
    let grant = rpc.granter.confirm(campaign, grant).await?;
    Ok(ConfirmGrantResponse { grant: Some(show::current_grant(rpc, caller, grant).await?) })
}
