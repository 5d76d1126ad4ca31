//! `PauseCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{PauseCampaignRequest, PauseCampaignResponse};

use super::PerkRpc;
use crate::{
    error::Error,
    rpc::{parse, show},
};

pub(super) async fn pause_campaign(
    rpc: &PerkRpc,
    _: &Caller,
    request: PauseCampaignRequest,
) -> Result<PauseCampaignResponse, Error> {
    let campaign = parse::campaign(&request.campaign)?;
    let kept = rpc.campaigns.pause(campaign).await?;
    Ok(PauseCampaignResponse { campaign: Some(show::campaign(&kept)?) })
}
