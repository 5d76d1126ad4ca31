//! `PersonDataService` of perks.

use futures::TryStreamExt as _;
use klout_proto::{
    graph::v1::{
        ApplyPersonStatesRequest, ApplyPersonStatesResponse, DescribePersonRequest,
        DescribePersonResponse, ForgetPersonRequest, ForgetPersonResponse, Forgotten,
    },
    people,
    perk::v1::person_data_service_server::PersonDataService,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status, codegen::BoxStream};

use crate::{description::describe, error::Error, masking};

#[derive(Clone, Debug)]
pub(crate) struct PersonDataRpc {
    pub(crate) db: PgPool,
}

#[tonic::async_trait]
impl PersonDataService for PersonDataRpc {
    async fn apply_person_states(
        &self,
        request: Request<ApplyPersonStatesRequest>,
    ) -> Result<Response<ApplyPersonStatesResponse>, Status> {
        let told = people::states(request.into_inner()).map_err(Error::States)?;
        let known = masking::apply(&self.db, &told).await?;
        Ok(Response::new(people::taken_over(&told, known)))
    }

    async fn forget_person(
        &self,
        request: Request<ForgetPersonRequest>,
    ) -> Result<Response<ForgetPersonResponse>, Status> {
        let request = request.into_inner();
        let state = people::forgetting(&request).map_err(Error::States)?;
        let forgotten = masking::forget(&self.db, request.person_id, state).await?;
        let counted = |(name, count): (&str, u64)| Forgotten { name: name.to_owned(), count };
        Ok(Response::new(ForgetPersonResponse {
            forgotten: forgotten.counts.into_iter().map(counted).collect(),
            done: forgotten.done,
        }))
    }

    async fn describe_person(
        &self,
        request: Request<DescribePersonRequest>,
    ) -> Result<Response<BoxStream<DescribePersonResponse>>, Status> {
        let things = describe(self.db.clone(), request.into_inner().person_id);
        Ok(Response::new(Box::pin(things.err_into())))
    }
}
