//! Properties, arrivals and passes. One file for each RPC.

mod create_property;
mod get_pass_keys;
mod get_property;
mod issue_pass;
mod list_arrivals;
mod list_properties;
mod mark_arrivals;
mod page;
mod show;
mod update_property;
mod verify_pass;

use klout_chassis::{Caller, Clock, Lookups};
use klout_proto::perk::v1::{
    CreatePropertyRequest, CreatePropertyResponse, GetPassKeysRequest, GetPassKeysResponse,
    GetPropertyRequest, GetPropertyResponse, IssuePassRequest, IssuePassResponse,
    ListArrivalsRequest, ListArrivalsResponse, ListPropertiesRequest, ListPropertiesResponse,
    MarkArrivalsRequest, MarkArrivalsResponse, UpdatePropertyRequest, UpdatePropertyResponse,
    VerifyPassRequest, VerifyPassResponse, desk_service_server::DeskService,
};
use tonic::{Request, Response, Status};

use crate::{desk::Desk, facts::FactsGatherer, passes::Passes, properties::Properties};

#[derive(Clone, Debug)]
pub(crate) struct DeskRpc {
    pub(crate) clock: Clock,
    pub(crate) desk: Desk,
    pub(crate) facts: FactsGatherer,
    pub(crate) lookups: Lookups,
    pub(crate) passes: Passes,
    pub(crate) properties: Properties,
}

#[tonic::async_trait]
impl DeskService for DeskRpc {
    async fn create_property(
        &self,
        request: Request<CreatePropertyRequest>,
    ) -> Result<Response<CreatePropertyResponse>, Status> {
        let response = create_property::create_property(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn update_property(
        &self,
        request: Request<UpdatePropertyRequest>,
    ) -> Result<Response<UpdatePropertyResponse>, Status> {
        let response = update_property::update_property(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_property(
        &self,
        request: Request<GetPropertyRequest>,
    ) -> Result<Response<GetPropertyResponse>, Status> {
        let response = get_property::get_property(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_properties(
        &self,
        request: Request<ListPropertiesRequest>,
    ) -> Result<Response<ListPropertiesResponse>, Status> {
        let response = list_properties::list_properties(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn mark_arrivals(
        &self,
        request: Request<MarkArrivalsRequest>,
    ) -> Result<Response<MarkArrivalsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = mark_arrivals::mark_arrivals(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_arrivals(
        &self,
        request: Request<ListArrivalsRequest>,
    ) -> Result<Response<ListArrivalsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = list_arrivals::list_arrivals(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn issue_pass(
        &self,
        request: Request<IssuePassRequest>,
    ) -> Result<Response<IssuePassResponse>, Status> {
        let caller = Caller::of(&request);
        let response = issue_pass::issue_pass(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn verify_pass(
        &self,
        request: Request<VerifyPassRequest>,
    ) -> Result<Response<VerifyPassResponse>, Status> {
        let caller = Caller::of(&request);
        let response = verify_pass::verify_pass(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_pass_keys(
        &self,
        request: Request<GetPassKeysRequest>,
    ) -> Result<Response<GetPassKeysResponse>, Status> {
        Ok(Response::new(get_pass_keys::get_pass_keys(self, request.into_inner())))
    }
}
