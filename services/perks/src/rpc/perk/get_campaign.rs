//! `GetCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{GetCampaignRequest, GetCampaignResponse};

use super::{PerkRpc, sees_all};
use crate::{
    campaigns::CampaignState,
    error::Error,
    rpc::{parse, show},
    store::{self, campaign::Kept},
};

pub(super) async fn get_campaign(
    rpc: &PerkRpc,
    caller: &Caller,
    request: GetCampaignRequest,
) -> Result<GetCampaignResponse, Error> {
    let campaign = parse::campaign(&request.campaign)?;
    let version = parse::version(request.version)?;
    let found = store::campaign::find(&rpc.db, campaign, version).await;
    let kept = found.map_err(Error::store("read a campaign"))?;
    // What nobody started yet is between the brand and whoever runs the installation.
    let is_shown = |it: &Kept| sees_all(caller) || it.state != CampaignState::Draft.as_str();
    let kept = kept.filter(is_shown).ok_or_else(|| Error::no_campaign(campaign))?;
    Ok(GetCampaignResponse { campaign: Some(show::campaign(&kept)?) })
}
