//! Customers who are looked up. One file for each RPC.

mod list_people;
mod resolve_and_get_score;

use klout_chassis::{Caller, Links};
use klout_proto::profile::v1::{
    ListPeopleRequest, ListPeopleResponse, ResolveAndGetScoreRequest, ResolveAndGetScoreResponse,
    lookup_service_server::LookupService,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use crate::{lookup::Lookup, people::People};

#[derive(Clone, Debug)]
pub(crate) struct LookupRpc {
    pub(crate) db: PgPool,
    pub(crate) links: Links,
    pub(crate) lookup: Lookup,
    pub(crate) people: People,
}

#[tonic::async_trait]
impl LookupService for LookupRpc {
    async fn resolve_and_get_score(
        &self,
        request: Request<ResolveAndGetScoreRequest>,
    ) -> Result<Response<ResolveAndGetScoreResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            resolve_and_get_score::resolve_and_get_score(self, &caller, request.into_inner())
                .await?;
        Ok(Response::new(response))
    }

    async fn list_people(
        &self,
        request: Request<ListPeopleRequest>,
    ) -> Result<Response<ListPeopleResponse>, Status> {
        let caller = Caller::of(&request);
        let response = list_people::list_people(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}
