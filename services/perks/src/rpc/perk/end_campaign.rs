//! `EndCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{EndCampaignRequest, EndCampaignResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn end_campaign(
    _: &PerkRpc,
    _: &Caller,
    _: EndCampaignRequest,
) -> Result<EndCampaignResponse, Status> {
    Err(Status::unimplemented("to come"))
}
