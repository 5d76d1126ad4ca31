//! `PauseCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{PauseCampaignRequest, PauseCampaignResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn pause_campaign(
    _: &PerkRpc,
    _: &Caller,
    _: PauseCampaignRequest,
) -> Result<PauseCampaignResponse, Status> {
    Err(Status::unimplemented("to come"))
}
