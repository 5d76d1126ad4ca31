//! `EndCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{EndCampaignRequest, EndCampaignResponse};

use super::PerkRpc;
use crate::{
    error::Error,
    rpc::{parse, show},
};

pub(super) async fn end_campaign(
    rpc: &PerkRpc,
    _: &Caller,
    request: EndCampaignRequest,
) -> Result<EndCampaignResponse, Error> {
    let campaign = parse::campaign(&request.campaign)?;
    let kept = rpc.campaigns.end(campaign).await?;
    Ok(EndCampaignResponse { campaign: Some(show::campaign(&kept)?) })
}
