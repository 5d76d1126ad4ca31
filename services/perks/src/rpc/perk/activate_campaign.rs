//! `ActivateCampaign`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ActivateCampaignRequest, ActivateCampaignResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn activate_campaign(
    _: &PerkRpc,
    _: &Caller,
    _: ActivateCampaignRequest,
) -> Result<ActivateCampaignResponse, Status> {
    Err(Status::unimplemented("to come"))
}
