//! `PreviewCampaign`.

use std::sync::Arc;

use klout_chassis::Caller;
use klout_proto::perk::v1::{
    PreviewCampaignRequest, PreviewCampaignResponse, preview_campaign_request::Subject,
};

use super::PerkRpc;
use crate::{error::Error, rpc::parse, spec::Spec};

pub(super) async fn preview_campaign(
    rpc: &PerkRpc,
    _: &Caller,
    request: PreviewCampaignRequest,
) -> Result<PreviewCampaignResponse, Error> {
    let (spec, rules) = match request.subject {
        Some(Subject::Campaign(campaign)) => {
            let campaign = rpc.campaigns.get(parse::campaign(&campaign)?).await?;
            (Arc::clone(&campaign.spec), Arc::clone(&campaign.rules))
        }
        Some(Subject::Spec(spec)) => {
            let (spec, rules) = Spec::check_apart(*spec).await?;
            (Arc::new(spec), rules.into())
        }
        None => return Err(Error::field("campaign", "is missing, and no spec is there")),
    };
    let preview = rpc.previewer.preview(spec, rules, request.exact).await?;
    Ok(PreviewCampaignResponse { preview: Some(preview) })
}
