//! Masks, deletes and tells what this service holds about people.
//!
//! It is the one that says what state people are in; it is told so itself when a backup was restored, of what was
//! changed since.

use futures::{StreamExt as _, TryStreamExt as _};
use klout_chassis::{Caller, Clock};
use klout_model::PersonId;
use klout_proto::graph::v1::{
    ApplyPersonStatesRequest, ApplyPersonStatesResponse, DescribePersonRequest,
    DescribePersonResponse, ForgetPersonRequest, ForgetPersonResponse,
    person_data_service_server::PersonDataService,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status, codegen::BoxStream};

use crate::{announce::Bell, describe, error::Error, forget, replay};

#[derive(Clone, Debug)]
pub(crate) struct PersonDataRpc {
    pub(crate) db: PgPool,
    pub(crate) clock: Clock,
    pub(crate) owners_changed: Bell,
}

#[tonic::async_trait]
impl PersonDataService for PersonDataRpc {
    async fn apply_person_states(
        &self,
        request: Request<ApplyPersonStatesRequest>,
    ) -> Result<Response<ApplyPersonStatesResponse>, Status> {
        let caller = Caller::of(&request);
        let states = replay::parse(request.into_inner().states)?;
        let by = crate::state::By {
            caller: caller.name(),
            note: "replayed after a backup was restored",
            now: self.clock.now(),
        };
        replay::states(&self.db, &states, &by).await?;
        self.owners_changed.ring();
        Ok(Response::new(ApplyPersonStatesResponse::default()))
    }

    async fn forget_person(
        &self,
        request: Request<ForgetPersonRequest>,
    ) -> Result<Response<ForgetPersonResponse>, Status> {
        let person = person(request.into_inner().person_id)?;
        let forgotten = forget::person_of(&self.db, person).await?;
        Ok(Response::new(ForgetPersonResponse { forgotten, done: true }))
    }

    async fn describe_person(
        &self,
        request: Request<DescribePersonRequest>,
    ) -> Result<Response<BoxStream<DescribePersonResponse>>, Status> {
        let person = person(request.into_inner().person_id)?;
        let (people, accounts) = describe::whom(&self.db, person).await?;
        let things = describe::own(self.db.clone(), people, accounts).map_err(Status::from);
        Ok(Response::new(things.boxed()))
    }
}

fn person(id: i64) -> Result<PersonId, Error> {
    PersonId::new(id).ok_or(Error::StatesMalformed { problem: "there is no such person" })
}
