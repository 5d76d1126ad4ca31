//! `GetCampaignReport`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{GetCampaignReportRequest, GetCampaignReportResponse};
use tonic::Status;

use super::PerkRpc;

pub(super) async fn get_campaign_report(
    _: &PerkRpc,
    _: &Caller,
    _: GetCampaignReportRequest,
) -> Result<GetCampaignReportResponse, Status> {
    Err(Status::unimplemented("to come"))
}
