//! `CreateCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{CreateCampaignRequest, CreateCampaignResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn create_campaign(
    _: &PerkRpc,
    _: &Caller,
    _: CreateCampaignRequest,
) -> Result<CreateCampaignResponse, Status> {
    Err(Status::unimplemented("to come"))
}
