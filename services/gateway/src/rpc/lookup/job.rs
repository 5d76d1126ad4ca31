//! Jobs that look up files.

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use klout_chassis::{Caller, page};
use klout_proto::{
    convert,
    profile::v1::{
        CreateLookupJobRequest, DownloadLookupRowsRequest, DownloadLookupRowsResponse,
        ListLookupJobsRequest, ListLookupJobsResponse, LookupJob, UploadLookupRowsRequest,
        upload_lookup_rows_request::Piece,
    },
};
use tonic::{Status, Streaming};

use crate::{
    jobs::{JobError, Jobs, Packing},
    store::job::Job,
};

/// Jobs of a page, unless it is said otherwise, and at most.
const PAGE: (u16, u16) = (100, 1_000);

pub(super) async fn create(
    jobs: &Jobs,
    caller: &Caller,
    request: CreateLookupJobRequest,
) -> Result<LookupJob, JobError> {
    let CreateLookupJobRequest { min_likelihood, request_id } = request;
    jobs.create(caller, min_likelihood, &request_id).await.map(show)
}

pub(super) async fn list(
    jobs: &Jobs,
    caller: &Caller,
    request: ListLookupJobsRequest,
) -> Result<ListLookupJobsResponse, JobError> {
    let ListLookupJobsRequest { page_size, page_token } = request;
    let size = page::size(page_size, PAGE.0, PAGE.1)?;
    let after = page::after::<2>(&page_token)?;
    let mut listed = jobs.list(caller, after, size + 1).await?;
    let more = listed.len() > size;
    listed.truncate(size);
    let micros =
        |it: &Job| i64::try_from(it.create_time.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
    let last = listed.last().filter(|_| more);
    let next_page_token = last.map(|it| page::token([micros(it), it.job_id])).unwrap_or_default();
    Ok(ListLookupJobsResponse { jobs: listed.into_iter().map(show).collect(), next_page_token })
}

pub(super) async fn upload(
    jobs: &Jobs,
    caller: &Caller,
    mut pieces: Streaming<UploadLookupRowsRequest>,
) -> Result<LookupJob, Status> {
    let first = pieces.message().await?.and_then(|it| it.piece);
    let Some(Piece::Part(part)) = first else {
        return Err(JobError::field("part", "is missing: the first message names it").into());
    };
    let body = pieces.map(|piece| match piece.map(|it| it.piece) {
        Ok(Some(Piece::Csv(csv))) => Ok(Bytes::from(csv)),
        Ok(None) => Ok(Bytes::new()),
        Ok(Some(Piece::Part(_))) => Err(JobError::field("part", "is named once")),
        Err(status) => Err(JobError::BodyBroken(status.into())),
    });
    Ok(show(jobs.upload(caller, &part.job, part.part, Packing::None, body).await?))
}

pub(super) async fn download(
    jobs: &Jobs,
    caller: &Caller,
    request: DownloadLookupRowsRequest,
) -> Result<impl Stream<Item = Result<DownloadLookupRowsResponse, Status>> + Send + use<>, JobError>
{
    let DownloadLookupRowsRequest { job, outcome, skip } = request;
    let rows = jobs.download(caller, &job, outcome.parse()?, skip).await?;
    // A message is not longer than a client takes without being told to.
    let messages = |rows: Bytes| {
        let mut messages = Vec::new();
        let mut rest = rows;
        while !rest.is_empty() {
            let csv = rest.split_to(rest.len().min(MESSAGE_BYTES_MAX));
            messages.push(Ok(DownloadLookupRowsResponse { csv: csv.into() }));
        }
        messages
    };
    Ok(rows.flat_map(move |rows| {
        stream::iter(match rows {
            Ok(rows) => messages(rows),
            Err(error) => vec![Err(error.into())],
        })
    }))
}

/// Bytes of one message of a download.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

pub(crate) fn show(job: Job) -> LookupJob {
    LookupJob {
        job: job.job_id.to_string(),
        state: job.state,
        min_likelihood: job.min_likelihood,
        create_time: Some(convert::timestamp(job.create_time)),
        finish_time: job.finish_time.map(convert::timestamp),
        expire_time: Some(convert::timestamp(job.expire_time)),
        parts: job.parts,
        bytes: job.bytes,
        rows: job.rows,
        looked_up: job.looked_up,
        matched: job.matched,
        unmatched: job.unmatched,
        failed: job.failed,
    }
}
