//! `PreviewCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{PreviewCampaignRequest, PreviewCampaignResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn preview_campaign(
    _: &PerkRpc,
    _: &Caller,
    _: PreviewCampaignRequest,
) -> Result<PreviewCampaignResponse, Status> {
    Err(Status::unimplemented("to come"))
}
