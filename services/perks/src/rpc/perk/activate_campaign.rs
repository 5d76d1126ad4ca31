//! `ActivateCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ActivateCampaignRequest, ActivateCampaignResponse};

use super::PerkRpc;
use crate::{
    error::Error,
    rpc::{parse, show},
};

pub(super) async fn activate_campaign(
    rpc: &PerkRpc,
    _: &Caller,
    request: ActivateCampaignRequest,
) -> Result<ActivateCampaignResponse, Error> {
    let campaign = parse::campaign(&request.campaign)?;
    let kept = rpc.campaigns.activate(campaign).await?;
    Ok(ActivateCampaignResponse { campaign: Some(show::campaign(&kept)?) })
}
