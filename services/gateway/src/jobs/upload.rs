//! Takes a part of a file: whole, or not at all.
//!
//! Rows are written while they come, a chunk a statement, under an upload of their own. When the last one is there a
//! short transaction makes them a part of the job. No transaction is open while somebody sends, however slowly.

use std::io;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use klout_chassis::{Caller, Chain, failpoint};
use tokio::{sync::mpsc, task::spawn_blocking};
use tracing::{debug, instrument};

use super::{
    BYTES_MAX, Jobs, PART_MAX, ROWS_MAX,
    error::JobError,
    random_id,
    reading::{self, Packing, PartRead, Room},
};
use crate::store::{self, job::Job, job_part::Part};

/// Pieces of a body that are in memory.
const PIECES: usize = 8;

/// Chunks of rows that are.
const CHUNKS: usize = 2;

/// Parts of one job that come at the same time: when there are more, the oldest is given up, as it may have broken off.
const AT_ONCE: i64 = 8;

impl Jobs {
    /// Takes part `part` of a job: what comes, until it ends.
    #[instrument(skip_all, fields(job, part))]
    pub(crate) async fn upload(
        &self,
        caller: &Caller,
        job: &str,
        part: i32,
        packing: Packing,
        body: impl Stream<Item = Result<Bytes, JobError>> + Send,
    ) -> Result<Job, JobError> {
        if !(1..=PART_MAX).contains(&part) {
            return Err(JobError::field("part", "is not from 1 to 10,000"));
        }
        let job = self.job(caller, job).await?;
        let _slot = self.uploads.try_acquire().map_err(|_| JobError::Overloaded)?;
        let there = store::job_part::find(&self.db, job.job_id, part).await;
        if let Some(there) = there.map_err(JobError::store("look for a part"))? {
            return self.compare(job, &there, packing, body).await;
        }
        let upload = self.begin_upload(job.job_id, part).await?;
        let taken = self.take(&job, upload, part, packing, body).await;
        if let Err(error) = &taken
            && !matches!(error, JobError::PartReplaced { .. })
        {
            // What is left of it otherwise is deleted later.
            let dropped = store::job_part::drop_upload(&self.db, job.job_id, upload).await;
            if let Err(error) = dropped {
                debug!(error = %Chain(&error), "a part that broke off is left for later");
            }
        }
        taken
    }

    /// A part that came before: the same again changes nothing.
    async fn compare(
        &self,
        job: Job,
        there: &Part,
        packing: Packing,
        body: impl Stream<Item = Result<Bytes, JobError>> + Send,
    ) -> Result<Job, JobError> {
        let room = Room::beside(0, 0);
        let (pieces_in, pieces) = mpsc::channel(PIECES);
        let reading = spawn_blocking(move || reading::read(pieces, packing, room, None));
        let sent = send(body, pieces_in).await;
        let read = reading.await.map_err(JobError::Lost)?;
        sent?;
        if read?.hash.as_slice() != there.hash {
            return Err(JobError::PartExists { part: there.part });
        }
        Ok(job)
    }

    async fn begin_upload(&self, job: i64, part: i32) -> Result<i64, JobError> {
        let store = JobError::store;
        let upload = random_id();
        let mut transaction = self.db.begin().await.map_err(store("begin an upload"))?;
        let held = store::job::lock(&mut transaction, job).await;
        let held = held.map_err(store("hold a job"))?;
        let held = held.ok_or_else(|| JobError::JobUnknown { job: job.to_string() })?;
        if held.state != "OPEN" {
            return Err(JobError::JobClosed);
        }
        store::job_part::begin(&mut transaction, job, upload, part, AT_ONCE - 1)
            .await
            .map_err(store("begin an upload"))?;
        transaction.commit().await.map_err(store("commit that an upload began"))?;
        Ok(upload)
    }

    async fn take(
        &self,
        job: &Job,
        upload: i64,
        part: i32,
        packing: Packing,
        body: impl Stream<Item = Result<Bytes, JobError>> + Send,
    ) -> Result<Job, JobError> {
        let room = Room::beside(job.bytes, job.rows);
        let (pieces_in, pieces) = mpsc::channel(PIECES);
        let (chunks_in, mut chunks) = mpsc::channel(CHUNKS);
        let reading = spawn_blocking(move || reading::read(pieces, packing, room, Some(chunks_in)));
        let write = async move {
            while let Some(chunk) = chunks.recv().await {
                let written = store::job_part::insert_chunk(&self.db, job.job_id, upload, &chunk);
                if !written.await.map_err(JobError::store("write rows of a part"))? {
                    return Err(JobError::PartReplaced { part });
                }
            }
            Ok(())
        };
        // Whichever of the three fails has the others end: each waits for what the one before it hands on.
        let (sent, written) = tokio::join!(send(body, pieces_in), write);
        let read = reading.await.map_err(JobError::Lost)?;
        written?;
        sent?;
        self.end_upload(job.job_id, upload, part, read?).await
    }

    async fn end_upload(
        &self,
        job: i64,
        upload_id: i64,
        part: i32,
        read: PartRead,
    ) -> Result<Job, JobError> {
        let store = JobError::store;
        let PartRead { hash, bytes, rows } = read;
        let count = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
        let (bytes, rows) = (count(bytes), count(rows));
        let mut transaction = self.db.begin().await.map_err(store("begin to add a part"))?;
        let held = store::job::lock(&mut transaction, job).await;
        let held = held.map_err(store("hold a job"))?;
        let held = held.ok_or_else(|| JobError::JobUnknown { job: job.to_string() })?;
        if held.state != "OPEN" {
            return Err(JobError::JobClosed);
        }
        let is_there = store::job_part::end(&mut transaction, job, upload_id).await;
        if !is_there.map_err(store("end an upload"))? {
            return Err(JobError::PartReplaced { part });
        }
        // Others may have come meanwhile.
        if !Room::beside(held.bytes, held.rows).takes(&read) {
            return Err(JobError::JobFull { bytes: BYTES_MAX, rows: ROWS_MAX });
        }
        let added = Part { part, upload_id, hash: hash.to_vec(), bytes, rows };
        store::job_part::insert(&mut transaction, job, &added)
            .await
            .map_err(store("add a part"))?;
        store::job::add_part(&mut transaction, job, bytes, rows)
            .await
            .map_err(store("count a part"))?;
        failpoint!("gateway.part.written");
        transaction.commit().await.map_err(store("commit a part"))?;
        failpoint!("gateway.part.committed");
        Ok(Job { parts: held.parts + 1, bytes: held.bytes + bytes, rows: held.rows + rows, ..held })
    }
}

/// Hands on what comes, until it ends or nobody wants more.
async fn send(
    body: impl Stream<Item = Result<Bytes, JobError>> + Send,
    pieces: mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), JobError> {
    let mut body = std::pin::pin!(body);
    while let Some(piece) = body.next().await {
        let (piece, broken) = match piece {
            Ok(piece) => (Ok(piece), None),
            Err(error) => (Err(io::ErrorKind::UnexpectedEof.into()), Some(error)),
        };
        let is_wanted = pieces.send(piece).await.is_ok();
        if let Some(error) = broken {
            return Err(error);
        }
        if !is_wanted {
            return Ok(());
        }
    }
    Ok(())
}
