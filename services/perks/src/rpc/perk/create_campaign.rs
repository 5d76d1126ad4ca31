//! `CreateCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{CreateCampaignRequest, CreateCampaignResponse};

use super::PerkRpc;
use crate::{
    error::Error,
    rpc::{parse, show},
};

pub(super) async fn create_campaign(
    rpc: &PerkRpc,
    caller: &Caller,
    request: CreateCampaignRequest,
) -> Result<CreateCampaignResponse, Error> {
    let request_id = parse::request_id(&request.request_id)?;
    let spec = request.spec.ok_or_else(|| Error::field("spec", "is missing"))?;
    let kept = rpc.campaigns.create(caller.name(), request_id, spec).await?;
    Ok(CreateCampaignResponse { campaign: Some(show::campaign(&kept)?) })
}
