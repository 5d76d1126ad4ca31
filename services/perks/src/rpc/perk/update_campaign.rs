//! `UpdateCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{UpdateCampaignRequest, UpdateCampaignResponse};

use super::PerkRpc;
use crate::{
    error::Error,
    rpc::{parse, show},
};

pub(super) async fn update_campaign(
    rpc: &PerkRpc,
    _: &Caller,
    request: UpdateCampaignRequest,
) -> Result<UpdateCampaignResponse, Error> {
    let campaign = parse::campaign(&request.campaign)?;
    let spec = request.spec.ok_or_else(|| Error::field("spec", "is missing"))?;
    let version = parse::version(request.version)?;
    let kept = rpc.campaigns.update(campaign, version, spec).await?;
    Ok(UpdateCampaignResponse { campaign: Some(show::campaign(&kept)?) })
}
