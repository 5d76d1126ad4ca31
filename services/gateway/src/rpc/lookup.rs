//! Customers who are looked up. One file for each RPC, and one for those of jobs.

mod job;

use futures::StreamExt as _;
use klout_chassis::{Caller, Links};
use klout_proto::profile::v1::{
    CloseLookupJobRequest, CloseLookupJobResponse, CreateLookupJobRequest, CreateLookupJobResponse,
    DeleteLookupJobRequest, DeleteLookupJobResponse, DownloadLookupRowsRequest,
    DownloadLookupRowsResponse, GetLookupJobRequest, GetLookupJobResponse, ListLookupJobsRequest,
    ListLookupJobsResponse, UploadLookupRowsRequest, UploadLookupRowsResponse,
    lookup_service_server::LookupService,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status, Streaming, codegen::BoxStream};

pub(crate) use self::job::show as show_job;
use crate::jobs::Jobs;

#[derive(Clone, Debug)]
pub(crate) struct LookupRpc {
    pub(crate) db: PgPool,
    pub(crate) links: Links,
    pub(crate) jobs: Jobs,
}

#[tonic::async_trait]
impl LookupService for LookupRpc {
    async fn create_lookup_job(
        &self,
        request: Request<CreateLookupJobRequest>,
    ) -> Result<Response<CreateLookupJobResponse>, Status> {
        let caller = Caller::of(&request);
        let job = job::create(&self.jobs, &caller, request.into_inner()).await?;
        Ok(Response::new(CreateLookupJobResponse { job: Some(job) }))
    }

    async fn upload_lookup_rows(
        &self,
        request: Request<Streaming<UploadLookupRowsRequest>>,
    ) -> Result<Response<UploadLookupRowsResponse>, Status> {
        let caller = Caller::of(&request);
        let job = job::upload(&self.jobs, &caller, request.into_inner()).await?;
        Ok(Response::new(UploadLookupRowsResponse { job: Some(job) }))
    }

    async fn close_lookup_job(
        &self,
        request: Request<CloseLookupJobRequest>,
    ) -> Result<Response<CloseLookupJobResponse>, Status> {
        let job = self.jobs.close(&Caller::of(&request), &request.get_ref().job).await?;
        Ok(Response::new(CloseLookupJobResponse { job: Some(show_job(job)) }))
    }

    async fn get_lookup_job(
        &self,
        request: Request<GetLookupJobRequest>,
    ) -> Result<Response<GetLookupJobResponse>, Status> {
        let job = self.jobs.job(&Caller::of(&request), &request.get_ref().job).await?;
        Ok(Response::new(GetLookupJobResponse { job: Some(show_job(job)) }))
    }

    async fn list_lookup_jobs(
        &self,
        request: Request<ListLookupJobsRequest>,
    ) -> Result<Response<ListLookupJobsResponse>, Status> {
        let caller = Caller::of(&request);
        Ok(Response::new(job::list(&self.jobs, &caller, request.into_inner()).await?))
    }

    async fn delete_lookup_job(
        &self,
        request: Request<DeleteLookupJobRequest>,
    ) -> Result<Response<DeleteLookupJobResponse>, Status> {
        self.jobs.delete(&Caller::of(&request), &request.get_ref().job).await?;
        Ok(Response::new(DeleteLookupJobResponse {}))
    }

    async fn download_lookup_rows(
        &self,
        request: Request<DownloadLookupRowsRequest>,
    ) -> Result<Response<BoxStream<DownloadLookupRowsResponse>>, Status> {
        let caller = Caller::of(&request);
        let rows = job::download(&self.jobs, &caller, request.into_inner()).await?;
        Ok(Response::new(rows.boxed()))
    }
}
