//! Whether the gateway can answer what it is there for.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use http::StatusCode;
use klout_chassis::{Link, within};
use klout_proto::score::v1::{
    GetScoreRequest, get_score_request::Subject, score_service_client::ScoreServiceClient,
};
use serde_json::json;
use tokio::time::Instant;
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
    last: Mutex<Option<Asked>>,
}

/// A question that was asked once for all who want to know. When the one who asked hangs up, the next one who
/// comes goes on with it.
#[derive(Clone, Debug)]
struct Asked {
    time: Instant,
    serves: Shared<BoxFuture<'static, bool>>,
}

// === impl Asked ===

impl Asked {
    /// Whether its answer holds. Nobody goes on with a question that nobody waited for.
    fn holds(&self) -> bool {
        let answered = self.serves.peek().is_some();
        self.time.elapsed() < if answered { FRESH_TIME } else { ASK_TIME_MAX }
    }
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
        let asked = {
            let mut last = self.last.lock().expect("nobody panics while holding it");
            match &*last {
                Some(asked) if asked.holds() => asked.clone(),
                Some(_) | None => last.insert(self.ask()).clone(),
            }
        };
        asked.serves.await
    }

    /// Asks for the score of a person who is not there. Who answers has asked its own database, and
    /// social-graph, which has asked its.
    fn ask(&self) -> Asked {
        let nobody = GetScoreRequest {
            subject: Some(Subject::Person("1".to_owned())),
            ..Default::default()
        };
        let mut scoring = self.scoring.clone();
        let serves = async move {
            let asked = within(ASK_TIME_MAX, scoring.get_score(nobody)).await;
            match asked.and_then(|answered| answered) {
                Ok(_) => true,
                Err(status) => status.code() == Code::NotFound,
            }
        };
        Asked { time: Instant::now(), serves: serves.boxed().shared() }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A question that is answered when `time` has passed, and counts how often it is asked.
    fn asked(count: &Arc<AtomicUsize>, time: Duration) -> Asked {
        let count = Arc::clone(count);
        let serves = async move {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(time).await;
            true
        };
        Asked { time: Instant::now(), serves: serves.boxed().shared() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_outlives_the_one_who_asked_it_first() {
        let count = Arc::new(AtomicUsize::new(0));
        let question = asked(&count, Duration::from_secs(1));

        let hung_up = tokio::time::timeout(Duration::from_millis(1), question.clone().serves);
        hung_up.await.expect_err("it did not wait");

        assert!(question.holds());
        assert!(question.clone().serves.await);
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn neither_an_answer_nor_a_question_holds_for_ever() {
        let count = Arc::new(AtomicUsize::new(0));
        let question = asked(&count, Duration::ZERO);
        question.clone().serves.await;
        assert!(question.holds());
        tokio::time::advance(FRESH_TIME).await;
        assert!(!question.holds(), "an answer of a second ago");

        let question = asked(&count, Duration::from_secs(60));
        tokio::time::advance(ASK_TIME_MAX).await;
        assert!(!question.holds(), "a question that nobody waited for");
    }
}
