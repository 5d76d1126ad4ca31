//! `UpdateCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{UpdateCampaignRequest, UpdateCampaignResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn update_campaign(
    _: &PerkRpc,
    _: &Caller,
    _: UpdateCampaignRequest,
) -> Result<UpdateCampaignResponse, Status> {
    Err(Status::unimplemented("to come"))
}
