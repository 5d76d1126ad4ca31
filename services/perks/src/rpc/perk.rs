//! Campaigns, what they give, and the decision at the desk. One file for each RPC.

mod activate_campaign;
mod confirm_grant;
mod create_campaign;
mod decide_check_in;
mod end_campaign;
mod evaluate_perks;
mod get_campaign;
mod get_campaign_report;
mod get_preview;
mod list_campaigns;
mod list_decisions;
mod list_grants;
mod pause_campaign;
mod preview_campaign;
mod release_grant;
mod replay_decision;
mod reserve_grant;
mod reverse_grant;
mod show;
mod update_campaign;
mod upload_codes;

use klout_chassis::{Caller, Lookups};
use klout_model::Purpose;
use klout_proto::perk::v1::{
    ActivateCampaignRequest, ActivateCampaignResponse, ConfirmGrantRequest, ConfirmGrantResponse,
    CreateCampaignRequest, CreateCampaignResponse, DecideCheckInRequest, DecideCheckInResponse,
    EndCampaignRequest, EndCampaignResponse, EvaluatePerksRequest, EvaluatePerksResponse,
    GetCampaignReportRequest, GetCampaignReportResponse, GetCampaignRequest, GetCampaignResponse,
    GetPreviewRequest, GetPreviewResponse, ListCampaignsRequest, ListCampaignsResponse,
    ListDecisionsRequest, ListDecisionsResponse, ListGrantsRequest, ListGrantsResponse,
    PauseCampaignRequest, PauseCampaignResponse, PreviewCampaignRequest, PreviewCampaignResponse,
    ReleaseGrantRequest, ReleaseGrantResponse, ReplayDecisionRequest, ReplayDecisionResponse,
    ReserveGrantRequest, ReserveGrantResponse, ReverseGrantRequest, ReverseGrantResponse,
    UpdateCampaignRequest, UpdateCampaignResponse, UploadCodesRequest, UploadCodesResponse,
    perk_service_server::PerkService,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use crate::{
    campaigns::Campaigns, decide::HoldOut, desk::Desk, evaluate::Evaluator, facts::FactsGatherer,
    grants::Granter, preview::Previewer, properties::Properties,
};

#[derive(Clone, Debug)]
pub(crate) struct PerkRpc {
    pub(crate) db: PgPool,
    pub(crate) campaigns: Campaigns,
    pub(crate) desk: Desk,
    pub(crate) evaluator: Evaluator,
    pub(crate) facts: FactsGatherer,
    pub(crate) granter: Granter,
    pub(crate) hold_out: HoldOut,
    pub(crate) lookups: Lookups,
    pub(crate) previewer: Previewer,
    pub(crate) properties: Properties,
}

/// Whether the caller runs the installation, or is one of our own services.
fn sees_all(caller: &Caller) -> bool {
    matches!(caller.purpose(), Purpose::Operator | Purpose::Internal)
}

#[tonic::async_trait]
impl PerkService for PerkRpc {
    async fn create_campaign(
        &self,
        request: Request<CreateCampaignRequest>,
    ) -> Result<Response<CreateCampaignResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            create_campaign::create_campaign(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn update_campaign(
        &self,
        request: Request<UpdateCampaignRequest>,
    ) -> Result<Response<UpdateCampaignResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            update_campaign::update_campaign(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn activate_campaign(
        &self,
        request: Request<ActivateCampaignRequest>,
    ) -> Result<Response<ActivateCampaignResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            activate_campaign::activate_campaign(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn pause_campaign(
        &self,
        request: Request<PauseCampaignRequest>,
    ) -> Result<Response<PauseCampaignResponse>, Status> {
        let caller = Caller::of(&request);
        let response = pause_campaign::pause_campaign(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn end_campaign(
        &self,
        request: Request<EndCampaignRequest>,
    ) -> Result<Response<EndCampaignResponse>, Status> {
        let caller = Caller::of(&request);
        let response = end_campaign::end_campaign(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_campaign(
        &self,
        request: Request<GetCampaignRequest>,
    ) -> Result<Response<GetCampaignResponse>, Status> {
        let caller = Caller::of(&request);
        let response = get_campaign::get_campaign(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_campaigns(
        &self,
        request: Request<ListCampaignsRequest>,
    ) -> Result<Response<ListCampaignsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = list_campaigns::list_campaigns(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn upload_codes(
        &self,
        request: Request<UploadCodesRequest>,
    ) -> Result<Response<UploadCodesResponse>, Status> {
        let caller = Caller::of(&request);
        let response = upload_codes::upload_codes(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn preview_campaign(
        &self,
        request: Request<PreviewCampaignRequest>,
    ) -> Result<Response<PreviewCampaignResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            preview_campaign::preview_campaign(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_preview(
        &self,
        request: Request<GetPreviewRequest>,
    ) -> Result<Response<GetPreviewResponse>, Status> {
        let caller = Caller::of(&request);
        let response = get_preview::get_preview(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_campaign_report(
        &self,
        request: Request<GetCampaignReportRequest>,
    ) -> Result<Response<GetCampaignReportResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            get_campaign_report::get_campaign_report(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn evaluate_perks(
        &self,
        request: Request<EvaluatePerksRequest>,
    ) -> Result<Response<EvaluatePerksResponse>, Status> {
        let caller = Caller::of(&request);
        let response = evaluate_perks::evaluate_perks(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn reserve_grant(
        &self,
        request: Request<ReserveGrantRequest>,
    ) -> Result<Response<ReserveGrantResponse>, Status> {
        let caller = Caller::of(&request);
        let response = reserve_grant::reserve_grant(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn confirm_grant(
        &self,
        request: Request<ConfirmGrantRequest>,
    ) -> Result<Response<ConfirmGrantResponse>, Status> {
        let caller = Caller::of(&request);
        let response = confirm_grant::confirm_grant(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn release_grant(
        &self,
        request: Request<ReleaseGrantRequest>,
    ) -> Result<Response<ReleaseGrantResponse>, Status> {
        let caller = Caller::of(&request);
        let response = release_grant::release_grant(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn reverse_grant(
        &self,
        request: Request<ReverseGrantRequest>,
    ) -> Result<Response<ReverseGrantResponse>, Status> {
        let caller = Caller::of(&request);
        let response = reverse_grant::reverse_grant(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_grants(
        &self,
        request: Request<ListGrantsRequest>,
    ) -> Result<Response<ListGrantsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = list_grants::list_grants(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_decisions(
        &self,
        request: Request<ListDecisionsRequest>,
    ) -> Result<Response<ListDecisionsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = list_decisions::list_decisions(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn replay_decision(
        &self,
        request: Request<ReplayDecisionRequest>,
    ) -> Result<Response<ReplayDecisionResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            replay_decision::replay_decision(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn decide_check_in(
        &self,
        request: Request<DecideCheckInRequest>,
    ) -> Result<Response<DecideCheckInResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            decide_check_in::decide_check_in(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}
