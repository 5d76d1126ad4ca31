//! `GetCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{GetCampaignRequest, GetCampaignResponse};

use super::PerkRpc;
use crate::{
    error::Error,
    rpc::{parse, show},
    store,
};

pub(super) async fn get_campaign(
    rpc: &PerkRpc,
    _: &Caller,
    request: GetCampaignRequest,
) -> Result<GetCampaignResponse, Error> {
    let campaign = parse::campaign(&request.campaign)?;
    let version = parse::version(request.version)?;
    let found = store::campaign::find(&rpc.db, campaign, version).await;
    let kept = found.map_err(Error::store("read a campaign"))?;
    let kept = kept.ok_or_else(|| Error::no_campaign(campaign))?;
    Ok(GetCampaignResponse { campaign: Some(show::campaign(&kept)?) })
}
