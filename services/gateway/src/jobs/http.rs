//! Files over HTTP, beside the table of routes: what is no JSON.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    middleware,
    response::{IntoResponse as _, Response},
    routing::{get, put},
};
use futures::{StreamExt as _, TryStreamExt as _};
use http::{
    HeaderMap, HeaderValue, Uri,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE},
};
use klout_chassis::{Caller, within};
use klout_proto::json;
use tokio::time::Instant;
use tonic::Status;
use tower_http::catch_panic::CatchPanicLayer;

use super::{Jobs, Outcome, Packing, error::JobError};
use crate::{
    access::Access,
    door::{Door, Visitor},
    error::Error,
    metrics::RouteMetrics,
    problem::problem,
    rest::{method_not_allowed, panicked, trace},
    rpc::show_job,
};

/// The RPCs that do the same.
const UPLOAD: &str = "/klout.profile.v1.LookupService/UploadLookupRows";
const DOWNLOAD: &str = "/klout.profile.v1.LookupService/DownloadLookupRows";

/// The path of a part.
pub(crate) const PART: &str = "/v1/lookupJobs/{job}/parts/{part}";

/// The path of what came out.
pub(crate) const ROWS: &str = "/v1/lookupJobs/{job}/{outcome}";

/// What answering needs.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) door: Door,
    pub(crate) jobs: Jobs,
    pub(crate) request_time_max: Duration,
    pub(crate) stream_time_max: Duration,
}

// === impl Files ===

impl Files {
    /// The routes of files.
    pub(crate) fn router(self) -> Router {
        let files = Arc::new(self);
        let (sent, fetched) = (Arc::new(RouteMetrics::of(PART)), Arc::new(RouteMetrics::of(ROWS)));
        let upload = move |State(files): State<Arc<Files>>, path: Segments, request: Request| async move {
            let started = Instant::now();
            let answered = within(files.stream_time_max, async {
                let visitor = files.admit(UPLOAD, request.uri(), request.headers()).await?;
                upload(&files.jobs, visitor.caller(), path, request).await
            });
            let response = answer(answered.await);
            sent.duration(response.status()).record(started.elapsed());
            response
        };
        let download = move |State(files): State<Arc<Files>>, path: Segments, request: Request| async move {
            let started = Instant::now();
            let answered = within(files.request_time_max, async {
                let visitor = files.admit(DOWNLOAD, request.uri(), request.headers()).await?;
                let response = download(&files.jobs, visitor.caller(), path, request).await?;
                // There is room for it as long as it is sent.
                let held = move |_: &Result<_, _>| {
                    let _visitor = &visitor;
                };
                Ok(response.map(|body| Body::from_stream(body.into_data_stream().inspect(held))))
            });
            let response = answer(answered.await);
            fetched.duration(response.status()).record(started.elapsed());
            response
        };
        Router::new()
            .route(PART, put(upload))
            .route(ROWS, get(download))
            .method_not_allowed_fallback(method_not_allowed)
            .with_state(files)
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn(trace))
    }

    /// Lets in whoever may call the RPC that does the same.
    async fn admit(&self, rpc: &str, uri: &Uri, headers: &HeaderMap) -> Result<Visitor, Status> {
        let admitted = self.door.admit(headers, Access::of(rpc)).await;
        let unknown = || Error::PathUnknown { path: uri.path().to_owned() }.into();
        admitted.map_err(|turned_away| turned_away.into_status(unknown))
    }
}

/// The segments of a path, both as text.
type Segments = Result<Path<(String, String)>, axum::extract::rejection::PathRejection>;

fn answer(answered: Result<Result<Response, Status>, Status>) -> Response {
    match answered.and_then(|answered| answered) {
        Ok(response) => response,
        Err(status) => problem(&status),
    }
}

async fn upload(
    jobs: &Jobs,
    caller: &Caller,
    path: Segments,
    request: Request,
) -> Result<Response, Status> {
    let Path((job, part)) = path.map_err(|_| Error::PathEncoding)?;
    let part = part.parse().map_err(|_| JobError::field("part", "is not a whole number"))?;
    let packing = match request.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Packing::None,
        Some(b"gzip") => Packing::Gzip,
        Some(_) => return Err(JobError::field("content-encoding", "is not gzip").into()),
    };
    let body = request.into_body().into_data_stream();
    let body = body.map_err(|error| JobError::BodyBroken(error.into()));
    let job = jobs.upload(caller, &job, part, packing, body).await?;
    Ok(Json(json::to_value(&show_job(job))).into_response())
}

async fn download(
    jobs: &Jobs,
    caller: &Caller,
    path: Segments,
    request: Request,
) -> Result<Response, Status> {
    let Path((job, outcome)) = path.map_err(|_| Error::PathEncoding)?;
    let unknown = |_| Error::PathUnknown { path: request.uri().path().to_owned() };
    let outcome: Outcome = outcome.parse().map_err(unknown)?;
    let mut skip = 0;
    for (name, value) in form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes()) {
        if name != "skip" {
            return Err(JobError::field(name, "is not a field of the request").into());
        }
        skip = value.parse().map_err(|_| JobError::field("skip", "is not a whole number"))?;
    }
    let rows = jobs.download(caller, &job, outcome, skip).await?;
    let rows = rows.map_err(|error| {
        let status = Status::from(error);
        tracing::warn!(code = ?status.code(), error = %klout_chassis::Chain(&status), "a file broke off");
        status
    });
    let mut response = Body::from_stream(rows).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    let name = format!("attachment; filename=\"{}.csv\"", outcome.as_str());
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
