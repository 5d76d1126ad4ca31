//! What serving scores is compared with: a server that does nothing, and one that does only a `select`.

use std::{borrow::Cow, net::SocketAddr};

use klout_chassis::{Context, Service};
use klout_proto::{
    convert::timestamp,
    score::v1::{
        BatchLookupScoresRequest, BatchLookupScoresResponse, GetBacklogRequest, GetBacklogResponse,
        GetScoreRequest, GetScoreResponse, ListScoresRequest, ListScoresResponse,
        ListTopScoresRequest, ListTopScoresResponse, Score,
        get_score_request::Subject,
        score_service_server::{self, ScoreService, ScoreServiceServer},
    },
    topic::v1::{
        ApplySignalsRequest, ApplySignalsResponse,
        signal_consumer_service_server::{SignalConsumerService, SignalConsumerServiceServer},
    },
};
use sqlx::{PgPool, Row as _, migrate::Migrator};
use time::OffsetDateTime;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status,
    service::RoutesBuilder,
    transport::{Server, server::TcpIncoming},
};
use tower::BoxError;

use crate::exit::Failure;

/// Answers nothing to nothing, with nothing around it.
#[derive(Debug)]
pub(super) struct Empty;

/// Answers `GetScore` by one `select`, with everything around it that all services have.
#[derive(Clone, Debug)]
pub(super) struct Bare {
    db: PgPool,
}

// === impl Empty ===

impl Empty {
    /// Serves on a free port, on the runtime that calls this.
    pub(super) async fn serve() -> Result<(SocketAddr, JoinHandle<()>), Failure> {
        let failed = |error: std::io::Error| Failure::failed(&error);
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = Server::builder()
            .add_service(SignalConsumerServiceServer::new(Self))
            .serve_with_incoming(incoming);
        #[expect(clippy::disallowed_methods, reason = "it is aborted by who started it")]
        let task = tokio::spawn(async move {
            // It ends with the bench; what it could not serve, the callers have seen.
            let _ = server.await;
        });
        Ok((address, task))
    }
}

#[tonic::async_trait]
impl SignalConsumerService for Empty {
    async fn apply_signals(
        &self,
        _: Request<ApplySignalsRequest>,
    ) -> Result<Response<ApplySignalsResponse>, Status> {
        Ok(Response::new(ApplySignalsResponse::default()))
    }
}

// === impl Bare ===

impl Service for Bare {
    const NAME: &'static str = "bare";
    const RPC_SERVICES: &'static [&'static str] = &[score_service_server::SERVICE_NAME];
    const DEFAULT_CONFIG: &'static str = "[bare]\n";
    const MIGRATOR: &'static Migrator =
        &Migrator { migrations: Cow::Borrowed(&[]), ignore_missing: true, ..Migrator::DEFAULT };
    type Config = serde::de::IgnoredAny;

    async fn build(_: Self::Config, context: Context) -> Result<Self, BoxError> {
        Ok(Self { db: context.db })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes.add_service(ScoreServiceServer::new(self.clone()));
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        stop.cancelled().await;
        Ok(())
    }
}

#[tonic::async_trait]
impl ScoreService for Bare {
    async fn get_score(
        &self,
        request: Request<GetScoreRequest>,
    ) -> Result<Response<GetScoreResponse>, Status> {
        let Some(Subject::Person(person)) = request.into_inner().subject else {
            return Err(Status::invalid_argument("not a person"));
        };
        let id: i64 = person.parse().map_err(|_| Status::invalid_argument("not a person"))?;
        let found = sqlx::query(
            "select score, percentile, confidence, day_change, week_change, month_change, \
             true_reach, amplification, network_impact, score_time, model, epoch \
             from scoring.score where person_id = $1",
        )
        .bind(id)
        .fetch_one(&self.db)
        .await;
        let score = found.and_then(|row| {
            Ok(Score {
                person,
                state: "KNOWN".to_owned(),
                score: row.try_get("score")?,
                percentile: row.try_get("percentile")?,
                confidence: row.try_get("confidence")?,
                day_change: row.try_get("day_change")?,
                week_change: row.try_get("week_change")?,
                month_change: row.try_get("month_change")?,
                true_reach: row.try_get("true_reach")?,
                amplification: row.try_get("amplification")?,
                network_impact: row.try_get("network_impact")?,
                score_time: Some(timestamp(row.try_get::<OffsetDateTime, _>("score_time")?)),
                model: row.try_get("model")?,
                epoch: row.try_get::<i64, _>("epoch")?.cast_unsigned(),
                ..Score::default()
            })
        });
        let score = score.map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(GetScoreResponse { score: Some(score) }))
    }

    async fn batch_lookup_scores(
        &self,
        _: Request<BatchLookupScoresRequest>,
    ) -> Result<Response<BatchLookupScoresResponse>, Status> {
        Err(Status::unimplemented("only one score"))
    }

    async fn list_scores(
        &self,
        _: Request<ListScoresRequest>,
    ) -> Result<Response<ListScoresResponse>, Status> {
        Err(Status::unimplemented("only one score"))
    }

    async fn list_top_scores(
        &self,
        _: Request<ListTopScoresRequest>,
    ) -> Result<Response<ListTopScoresResponse>, Status> {
        Err(Status::unimplemented("only one score"))
    }

    async fn get_backlog(
        &self,
        _: Request<GetBacklogRequest>,
    ) -> Result<Response<GetBacklogResponse>, Status> {
        Err(Status::unimplemented("only one score"))
    }
}
