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
use sqlx::{PgPool, Row as _, migrate::Migrator, postgres::PgRow};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, service::RoutesBuilder};
use tower::BoxError;

/// The statement of `GetPerson` (`social-graph/src/store/person.rs`).
const GET_PERSON: &str = "
    select asked.person_id as asked_id, person.person_id, person.create_time, person.country, person.city,
        person.display_name, person.languages, person.time_zone, person.age_band, person.state,
        person.withheld_purposes, person.withheld_networks,
        coalesce(account.networks, '{}') as networks,
        coalesce(account.native_ids, '{}') as native_ids,
        coalesce(account.handles, '{}') as handles,
        coalesce(account.link_times, '{}') as link_times,
        coalesce(account.proofs, '{}') as proofs
    from social_graph.person as asked
    join social_graph.person on person.person_id = coalesce(asked.merged_into, asked.person_id)
    cross join lateral (
        select array_agg(network order by network, native_id) as networks,
            array_agg(native_id order by network, native_id) as native_ids,
            array_agg(handle order by network, native_id) as handles,
            array_agg(link_time order by network, native_id) as link_times,
            array_agg(proof order by network, native_id) as proofs
        from social_graph.account
        where account.person_id = person.person_id and network <> $3
    ) as account
    where asked.person_id = any($1) and person.state = any($2)";

/// The statement of `ResolvePerson` by one handle (`social-graph/src/store/account.rs`).
const RESOLVE_PERSON: &str = "
    select account.network, account.handle, account.native_id, account.person_id,
        account.handle_time, person.state = 'MEMBER' as shown,
        account.network = any(person.withheld_networks) as withheld, person.withheld_purposes
    from social_graph.account
    join social_graph.person using (person_id)
    where account.network = $1 and account.handle = $2
    order by account.native_id";

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

/// What somebody is made of.
fn person(row: &PgRow) -> Result<Person, sqlx::Error> {
    let networks: Vec<String> = row.try_get("networks")?;
    let native_ids: Vec<String> = row.try_get("native_ids")?;
    let handles: Vec<String> = row.try_get("handles")?;
    let times: Vec<OffsetDateTime> = row.try_get("link_times")?;
    let proofs: Vec<String> = row.try_get("proofs")?;
    let names = networks.into_iter().zip(native_ids).zip(handles);
    let accounts = names.zip(times.into_iter().zip(proofs)).map(
        |(((network, native_id), handle), (time, proof))| {
            let link_time = Some(timestamp(time));
            LinkedAccount { network, native_id, handle, link_time, proof }
        },
    );
    Ok(Person {
        person: row.try_get::<i64, _>("person_id")?.to_string(),
        accounts: accounts.collect(),
        create_time: Some(timestamp(row.try_get::<OffsetDateTime, _>("create_time")?)),
        country: row.try_get("country")?,
        city: row.try_get("city")?,
        display_name: row.try_get("display_name")?,
        languages: row.try_get("languages")?,
        time_zone: row.try_get("time_zone")?,
        age_band: row.try_get("age_band")?,
        state: row.try_get("state")?,
        withheld_purposes: row.try_get("withheld_purposes")?,
        withheld_networks: row.try_get("withheld_networks")?,
    })
}

#[tonic::async_trait]
impl GraphService for Bare {
    async fn get_person(
        &self,
        request: Request<GetPersonRequest>,
    ) -> Result<Response<GetPersonResponse>, Status> {
        let id: i64 = request.into_inner().person.parse().map_err(|_| Status::not_found("who"))?;
        let row = sqlx::query(GET_PERSON)
            .bind(vec![id])
            .bind(vec!["MEMBER"])
            .bind("klout")
            .fetch_one(&self.db)
            .await
            .map_err(failed)?;
        let person = person(&row).map_err(failed)?;
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
        let row = sqlx::query(RESOLVE_PERSON)
            .bind(account.network)
            .bind(handle)
            .fetch_one(&self.db)
            .await
            .map_err(failed)?;
        let person = row.try_get::<i64, _>("person_id").map_err(failed)?.to_string();
        Ok(Response::new(ResolvePersonResponse { person, ..Default::default() }))
    }
}
