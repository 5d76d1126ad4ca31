//! `PersonDataService` of the gateway, which holds nothing about people.

use futures::{StreamExt as _, stream};
use klout_chassis::Refusal;
use klout_proto::{
    graph::v1::{
        ApplyPersonStatesRequest, ApplyPersonStatesResponse, DescribePersonRequest,
        DescribePersonResponse, ForgetPersonRequest, ForgetPersonResponse,
    },
    people::{self, StatesMalformed},
    profile::v1::person_data_service_server::PersonDataService,
};
use tonic::{Code, Request, Response, Status, codegen::BoxStream};

/// Answers truly that there is nothing to mask, to delete or to tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PersonDataRpc;

#[tonic::async_trait]
impl PersonDataService for PersonDataRpc {
    async fn apply_person_states(
        &self,
        request: Request<ApplyPersonStatesRequest>,
    ) -> Result<Response<ApplyPersonStatesResponse>, Status> {
        people::states(request.into_inner()).map_err(malformed)?;
        Ok(Response::new(ApplyPersonStatesResponse::default()))
    }

    async fn forget_person(
        &self,
        request: Request<ForgetPersonRequest>,
    ) -> Result<Response<ForgetPersonResponse>, Status> {
        people::forgetting(&request.into_inner()).map_err(malformed)?;
        Ok(Response::new(ForgetPersonResponse { forgotten: Vec::new(), done: true }))
    }

    async fn describe_person(
        &self,
        _: Request<DescribePersonRequest>,
    ) -> Result<Response<BoxStream<DescribePersonResponse>>, Status> {
        Ok(Response::new(stream::empty().boxed()))
    }
}

fn malformed(error: StatesMalformed) -> Status {
    Refusal::new(Code::InvalidArgument, "STATES_MALFORMED").into_status(error)
}
