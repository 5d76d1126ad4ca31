//! `ScoreService` on the wire.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use klout_chassis::{Caller, Shortcuts};
use klout_proto::score::v1::{
    BatchLookupScoresRequest, GetScoreRequest,
    score_service_server::{SERVICE_NAME, ScoreServiceServer},
};
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::{Body as HttpBody, BoxFuture, Service, StdError, http},
    server::{Grpc, NamedService},
};
use tonic_prost::ProstCodec;
use tower::service_fn;

use super::{ScoreRpc, batch_lookup_scores, get_score};
use crate::encoded::{EncodedResponse, EncodedResults};

const GET_SCORE: &str = "/klout.score.v1.ScoreService/GetScore";
const BATCH_LOOKUP_SCORES: &str = "/klout.score.v1.ScoreService/BatchLookupScores";

/// Answers scores as they are kept, and everything else as it was generated.
#[derive(Clone, Debug)]
pub(crate) struct ScoreServer {
    rpc: ScoreRpc,
    others: ScoreServiceServer<ScoreRpc>,
}

// === impl ScoreRpc ===

impl ScoreRpc {
    /// A score that is in memory is answered to the gateway in less time than a call of gRPC takes to be made.
    pub(crate) fn shorten(&self, shortcuts: &mut Shortcuts) {
        let rpc = Arc::new(self.clone());
        let remembering = Arc::clone(&rpc);
        shortcuts.add_remembered(GET_SCORE, move |caller: &Caller, request: &GetScoreRequest| {
            Some(get_score::remembered(&remembering, caller, request)?.response)
        });
        shortcuts.add(GET_SCORE, move |caller: Caller, request: GetScoreRequest| {
            let rpc = Arc::clone(&rpc);
            async move { Ok(get_score::get_score(&rpc, &caller, request).await?.response) }
        });
    }
}

// === impl ScoreServer ===

impl ScoreServer {
    pub(crate) fn new(rpc: ScoreRpc) -> Self {
        Self { others: ScoreServiceServer::new(rpc.clone()), rpc }
    }
}

impl NamedService for ScoreServer {
    const NAME: &'static str = SERVICE_NAME;
}

impl<B> Service<http::Request<B>> for ScoreServer
where
    B: HttpBody + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        match request.uri().path() {
            GET_SCORE => {
                let rpc = self.rpc.clone();
                let answer = service_fn(move |request: Request<GetScoreRequest>| {
                    let rpc = rpc.clone();
                    async move {
                        let caller = Caller::of(&request);
                        let request = request.into_inner();
                        let score = get_score::get_score(&rpc, &caller, request).await?;
                        let score = score.into_score();
                        Ok::<_, Status>(Response::new(EncodedResponse { score }))
                    }
                });
                Box::pin(async move {
                    Ok(Grpc::new(ProstCodec::default()).unary(answer, request).await)
                })
            }
            BATCH_LOOKUP_SCORES => {
                let rpc = self.rpc.clone();
                let answer = service_fn(move |request: Request<BatchLookupScoresRequest>| {
                    let rpc = rpc.clone();
                    async move {
                        let caller = Caller::of(&request);
                        let request = request.into_inner();
                        let results =
                            batch_lookup_scores::batch_lookup_scores(&rpc, &caller, request)
                                .await?;
                        Ok::<_, Status>(Response::new(EncodedResults { results }))
                    }
                });
                Box::pin(async move {
                    Ok(Grpc::new(ProstCodec::default()).unary(answer, request).await)
                })
            }
            _ => self.others.call(request),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_here_are_rpcs_of_the_service() {
        for path in [GET_SCORE, BATCH_LOOKUP_SCORES] {
            assert!(path.starts_with(&format!("/{SERVICE_NAME}/")), "{path}");
        }
    }
}
