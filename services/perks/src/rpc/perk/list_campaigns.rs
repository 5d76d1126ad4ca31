//! `ListCampaigns`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ListCampaignsRequest, ListCampaignsResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn list_campaigns(
    _: &PerkRpc,
    _: &Caller,
    _: ListCampaignsRequest,
) -> Result<ListCampaignsResponse, Status> {
    Err(Status::unimplemented("to come"))
}
