//! Deletes jobs whose time is over, and what is left of parts that broke off.

use std::time::Duration;

use tracing::instrument;

use super::{Jobs, error::JobError};
use crate::store;

/// How often it is looked for them.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

/// Rows that are deleted at once.
const ROWS_MAX: i64 = 20_000;

/// Chunks of rows that are.
const CHUNKS_MAX: i64 = 200;

/// How long a part may come: longer than any call may last.
const UPLOAD_SECONDS_MAX: f64 = 60.0 * 60.0;

/// Uploads that are deleted at once.
const UPLOADS_MAX: i64 = 10;

impl Jobs {
    /// Returns whether there may be more.
    #[instrument(name = "sweep_jobs", skip_all)]
    pub(crate) async fn sweep(&self) -> Result<bool, JobError> {
        let failed = JobError::store;
        let uploads = store::job_part::sweep(&self.db, UPLOAD_SECONDS_MAX, UPLOADS_MAX).await;
        let uploads = uploads.map_err(failed("delete parts that broke off"))?;
        let expired = store::job::expired(&self.db).await;
        let expired = expired.map_err(failed("look for jobs whose time is over"))?;
        let Some(job) = expired else { return Ok(uploads == UPLOADS_MAX) };
        let results = store::job_result::delete(&self.db, job, ROWS_MAX).await;
        let results = results.map_err(failed("delete what was found of a job"))?;
        if results < ROWS_MAX.unsigned_abs() {
            let chunks = store::job_part::delete_chunks(&self.db, job, CHUNKS_MAX).await;
            let chunks = chunks.map_err(failed("delete rows of a job"))?;
            if chunks < CHUNKS_MAX.unsigned_abs() {
                let deleted = store::job_part::delete_job(&self.db, job).await;
                deleted.map_err(failed("delete a job"))?;
            }
        }
        Ok(true)
    }
}
