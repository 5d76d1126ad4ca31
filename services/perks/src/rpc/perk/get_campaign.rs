//! `GetCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{GetCampaignRequest, GetCampaignResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn get_campaign(
    _: &PerkRpc,
    _: &Caller,
    _: GetCampaignRequest,
) -> Result<GetCampaignResponse, Status> {
    Err(Status::unimplemented("to come"))
}
