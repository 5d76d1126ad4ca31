//! What calls of social-graph are compared with: the same layers, and only the `select`.

use std::borrow::Cow;

use klout_chassis::{Context, Service};
use klout_proto::{
    convert::timestamp,
    graph::v1::{
        GetPersonRequest, GetPersonResponse, LinkedAccount, Person, ResolvePersonRequest,
        ResolvePersonResponse,
        account_name::Name,
        graph_service_server::{self, GraphService, GraphServiceServer},
    },
};
use sqlx::{PgPool, Row as _, migrate::Migrator};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, service::RoutesBuilder};
use tower::BoxError;

/// Answers each call by one `select`, with everything around it that all services have.
#[derive(Clone, Debug)]
pub(super) struct Bare {
    db: PgPool,
}

// === impl Bare ===

impl Service for Bare {
    const NAME: &'static str = "bare";
    const RPC_SERVICES: &'static [&'static str] = &[graph_service_server::SERVICE_NAME];
    const DEFAULT_CONFIG: &'static str = "[bare]\n";
    const MIGRATOR: &'static Migrator =
        &Migrator { migrations: Cow::Borrowed(&[]), ignore_missing: true, ..Migrator::DEFAULT };
    type Config = serde::de::IgnoredAny;

    async fn build(_: Self::Config, context: Context) -> Result<Self, BoxError> {
        Ok(Self { db: context.db })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes.add_service(GraphServiceServer::new(self.clone()));
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        stop.cancelled().await;
        Ok(())
    }
}

fn failed(error: sqlx::Error) -> Status {
    Status::internal(error.to_string())
}

#[tonic::async_trait]
impl GraphService for Bare {
    async fn get_person(
        &self,
        request: Request<GetPersonRequest>,
    ) -> Result<Response<GetPersonResponse>, Status> {
        let id: i64 = request.into_inner().person.parse().map_err(|_| Status::not_found("who"))?;
        let rows = sqlx::query(
            "select person_id, create_time, country, city, network, native_id, handle \
             from social_graph.person join social_graph.account using (person_id) \
             where person_id = $1",
        )
        .bind(id)
        .fetch_all(&self.db)
        .await
        .map_err(failed)?;
        let first = rows.first().ok_or_else(|| Status::not_found("who"))?;
        let create_time: OffsetDateTime = first.try_get("create_time").map_err(failed)?;
        let mut person = Person {
            person: id.to_string(),
            create_time: Some(timestamp(create_time)),
            country: first.try_get("country").map_err(failed)?,
            city: first.try_get("city").map_err(failed)?,
            ..Person::default()
        };
        for row in rows {
            person.accounts.push(LinkedAccount {
                network: row.try_get("network").map_err(failed)?,
                native_id: row.try_get("native_id").map_err(failed)?,
                handle: row.try_get("handle").map_err(failed)?,
                ..LinkedAccount::default()
            });
        }
        Ok(Response::new(GetPersonResponse { person: Some(person) }))
    }

    async fn resolve_person(
        &self,
        request: Request<ResolvePersonRequest>,
    ) -> Result<Response<ResolvePersonResponse>, Status> {
        let account = request.into_inner().account.unwrap_or_default();
        let Some(Name::Handle(handle)) = account.name else {
            return Err(Status::invalid_argument("only handles"));
        };
        let person: i64 = sqlx::query_scalar(
            "select person_id from social_graph.account where network = $1 and handle = $2",
        )
        .bind(account.network)
        .bind(handle)
        .fetch_one(&self.db)
        .await
        .map_err(failed)?;
        let person = person.to_string();
        Ok(Response::new(ResolvePersonResponse { person, ..Default::default() }))
    }
}
