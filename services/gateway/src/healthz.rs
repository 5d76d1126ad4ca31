//! Whether the gateway can answer what it is there for.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::StatusCode;
use klout_chassis::{Link, within};
use klout_proto::score::v1::{
    GetScoreRequest, get_score_request::Subject, score_service_client::ScoreServiceClient,
};
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;
use tonic::Code;

/// How long an answer holds: whoever asks, scoring is asked once a second.
const FRESH_TIME: Duration = Duration::from_secs(1);

/// How long scoring may take.
const ASK_TIME_MAX: Duration = Duration::from_secs(2);

/// What tells whether scores can be read.
#[derive(Debug)]
pub(crate) struct Healthz {
    scoring: ScoreServiceClient<Link>,
    going_down: CancellationToken,
    /// The last answer, and when it was given. Held while asking, so that one asks for all.
    last: Mutex<Option<(Instant, bool)>>,
}

// === impl Healthz ===

impl Healthz {
    pub(crate) fn new(scoring: Link, going_down: CancellationToken) -> Self {
        Self { scoring: ScoreServiceClient::new(scoring), going_down, last: Mutex::default() }
    }

    /// The router of `/healthz`, which needs no token.
    pub(crate) fn router(self) -> Router {
        Router::new().route("/healthz", get(healthz)).with_state(Arc::new(self))
    }

    async fn serves(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((time, serves)) = *last
            && time.elapsed() < FRESH_TIME
        {
            return serves;
        }
        let serves = self.ask().await;
        *last = Some((Instant::now(), serves));
        serves
    }

    /// Asks for the score of a person who is not there. Who answers has asked its own database, and
    /// social-graph, which has asked its.
    async fn ask(&self) -> bool {
        let nobody =
            GetScoreRequest { subject: Some(Subject::Person("1".to_owned())), consistency: None };
        let mut scoring = self.scoring.clone();
        let asked = within(ASK_TIME_MAX, scoring.get_score(nobody)).await;
        match asked.and_then(|answered| answered) {
            Ok(_) => true,
            Err(status) => status.code() == Code::NotFound,
        }
    }
}

async fn healthz(State(healthz): State<Arc<Healthz>>) -> Response {
    let (http, status) = if healthz.going_down.is_cancelled() || !healthz.serves().await {
        (StatusCode::SERVICE_UNAVAILABLE, "NOT_SERVING")
    } else {
        (StatusCode::OK, "SERVING")
    };
    (http, Json(json!({ "status": status }))).into_response()
}
