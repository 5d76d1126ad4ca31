//! What can go wrong with a file, and what the caller is told.

use klout_chassis::{PageMalformed, Refusal};
use klout_proto::people::StatesMalformed;
use tokio::task::JoinError;
use tonic::{Code, Status};

#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    #[error("`{field}` {problem}")]
    FieldInvalid { field: String, problem: String },

    #[error("the request id was used for a job with another likelihood")]
    RequestIdReused,

    #[error("the key has {max} {what}")]
    JobsTooMany { max: i64, what: &'static str },

    #[error("there is no job {job}")]
    JobUnknown { job: String },

    #[error("{problem}")]
    CsvMalformed { problem: String },

    #[error("part {part} is there with another content")]
    PartExists { part: i32 },

    #[error("part {part} is being sent once more, or too many parts at once")]
    PartReplaced { part: i32 },

    #[error("the job takes no parts any more")]
    JobClosed,

    #[error("a job has at most {bytes} bytes and {rows} rows")]
    JobFull { bytes: i64, rows: i64 },

    #[error("part {part} is not there")]
    PartsMissing { part: i32 },

    #[error("the job is not done")]
    JobRunning,

    #[error("too many files are being sent")]
    Overloaded,

    #[error("this process is about to stop")]
    Stopping,

    /// What was being sent.
    #[error("the body broke off")]
    BodyBroken(#[source] Box<dyn std::error::Error + Send + Sync>),

    #[error(transparent)]
    States(#[from] StatesMalformed),

    #[error("rows of a file cannot be read that were written here")]
    ContentBroken(#[source] prost::DecodeError),

    #[error("what was read is lost")]
    Lost(#[source] JoinError),

    #[error("another service answered what cannot be")]
    PeerBroken,

    #[error("another service did not answer")]
    Peer(#[source] Status),

    /// Its purpose is one that this version refuses.
    #[error("nobody looks up any more for the key of job {job}")]
    CallerRefused { job: i64 },

    #[error("could not {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

// === impl JobError ===

impl JobError {
    pub(crate) fn store(action: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Store { action, source }
    }

    pub(crate) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::FieldInvalid { field: field.into(), problem: problem.into() }
    }
}

impl From<PageMalformed> for JobError {
    fn from(error: PageMalformed) -> Self {
        Self::field(error.field, error.problem)
    }
}

impl From<JobError> for Status {
    fn from(error: JobError) -> Self {
        use Code::{
            Aborted, AlreadyExists, FailedPrecondition, Internal, InvalidArgument, NotFound,
            ResourceExhausted, Unavailable,
        };
        let refusal = match &error {
            JobError::FieldInvalid { field, problem } => Refusal::field(field, problem),
            JobError::RequestIdReused => Refusal::new(AlreadyExists, "REQUEST_ID_REUSED"),
            JobError::JobsTooMany { max, .. } => {
                Refusal::new(ResourceExhausted, "LOOKUP_JOBS_TOO_MANY").with("max", max)
            }
            JobError::JobUnknown { job } => {
                Refusal::new(NotFound, "LOOKUP_JOB_UNKNOWN").with("job", job)
            }
            JobError::CsvMalformed { .. } => Refusal::new(InvalidArgument, "CSV_MALFORMED"),
            JobError::PartExists { part } => {
                Refusal::new(AlreadyExists, "PART_EXISTS").with("part", part)
            }
            JobError::PartReplaced { part } => {
                Refusal::new(Aborted, "PART_REPLACED").with("part", part)
            }
            JobError::JobClosed => Refusal::new(FailedPrecondition, "LOOKUP_JOB_CLOSED"),
            JobError::JobFull { bytes, rows } => {
                let refusal = Refusal::new(ResourceExhausted, "LOOKUP_JOB_FULL");
                refusal.with("bytes_max", bytes).with("rows_max", rows)
            }
            JobError::PartsMissing { part } => {
                Refusal::new(FailedPrecondition, "PARTS_MISSING").with("part", part)
            }
            JobError::JobRunning => Refusal::new(FailedPrecondition, "LOOKUP_JOB_RUNNING"),
            JobError::Overloaded => {
                let refusal = Refusal::new(Unavailable, "OVERLOADED");
                refusal.retry_after(std::time::Duration::from_secs(1))
            }
            JobError::Stopping => Refusal::new(Unavailable, "STOPPING"),
            JobError::BodyBroken(_) => Refusal::new(InvalidArgument, "MESSAGE_MALFORMED"),
            JobError::States(_) => Refusal::new(InvalidArgument, "STATES_MALFORMED"),
            JobError::ContentBroken(_) | JobError::CallerRefused { .. } => {
                Refusal::new(Internal, "FAULT")
            }
            JobError::Lost(_) => Refusal::new(Internal, "PANICKED"),
            JobError::PeerBroken => Refusal::new(Internal, "PEER_FAILED"),
            JobError::Peer(status) => Refusal::peer(status),
            JobError::Store { source, .. } => Refusal::store(source),
        };
        refusal.into_status(error)
    }
}
