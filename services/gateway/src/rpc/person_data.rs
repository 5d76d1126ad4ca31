//! `PersonDataService` of the gateway, which holds who rows of files are.

use futures::TryStreamExt as _;
use klout_proto::{
    graph::v1::{
        ApplyPersonStatesRequest, ApplyPersonStatesResponse, DescribePersonRequest,
        DescribePersonResponse, ForgetPersonRequest, ForgetPersonResponse, Forgotten,
    },
    people,
    profile::v1::person_data_service_server::PersonDataService,
};
use tonic::{Request, Response, Status, codegen::BoxStream};

use crate::jobs::{JobError, Jobs};

#[derive(Clone, Debug)]
pub(crate) struct PersonDataRpc {
    pub(crate) jobs: Jobs,
}

#[tonic::async_trait]
impl PersonDataService for PersonDataRpc {
    async fn apply_person_states(
        &self,
        request: Request<ApplyPersonStatesRequest>,
    ) -> Result<Response<ApplyPersonStatesResponse>, Status> {
        let told = people::states(request.into_inner()).map_err(JobError::States)?;
        let known = self.jobs.apply(&told).await?;
        Ok(Response::new(people::taken_over(&told, known)))
    }

    async fn forget_person(
        &self,
        request: Request<ForgetPersonRequest>,
    ) -> Result<Response<ForgetPersonResponse>, Status> {
        let request = request.into_inner();
        let state = people::forgetting(&request).map_err(JobError::States)?;
        let (count, done) = self.jobs.forget(request.person_id, state).await?;
        let results = Forgotten { name: "lookup_result".to_owned(), count };
        let forgotten = if count > 0 { vec![results] } else { Vec::new() };
        Ok(Response::new(ForgetPersonResponse { forgotten, done }))
    }

    async fn describe_person(
        &self,
        request: Request<DescribePersonRequest>,
    ) -> Result<Response<BoxStream<DescribePersonResponse>>, Status> {
        let things = self.jobs.describe(request.into_inner().person_id);
        Ok(Response::new(Box::pin(things.err_into())))
    }
}
