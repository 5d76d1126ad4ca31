//! What can go wrong in scoring, and what the caller is told.

use std::{sync::Arc, time::Duration};

use klout_chassis::{PageMalformed, Refusal, reason};
use klout_model::PersonId;
use klout_proto::people::StatesMalformed;
use klout_score_engine::packed::PackedInvalid;
use klout_score_math::ModelInvalid;
use tokio::task::JoinError;
use tonic::{Code, Status};

use crate::{
    models::SHADOWS_MAX,
    rpc::{ACTORS_MAX, SUBJECTS_MAX},
};

/// When a read may be tried again that was given up.
const TOO_SLOW_RETRY: Duration = Duration::from_secs(1);

/// When somebody may try again for whose watch there was no room.
const WATCHES_RETRY: Duration = Duration::from_secs(1);

/// When somebody may watch again whose watch ended with the process: another one is there by then.
const STOP_RETRY: Duration = Duration::from_millis(200);

/// When it may be tried again what waits for evidence that is being made again.
const REBUILDING_RETRY: Duration = Duration::from_secs(30);

/// When it may be asked again whether somebody is masked: a lease lapses meanwhile.
const UNCONFIRMED_RETRY: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no person {person}")]
    PersonUnknown { person: PersonId },

    #[error("there is no evidence of person {person}, so no score to explain")]
    ScoreUnknown { person: PersonId },

    #[error("`{field}` {problem}")]
    FieldInvalid { field: &'static str, problem: &'static str },

    #[error(transparent)]
    States(StatesMalformed),

    #[error("not every process has confirmed yet that it shows nothing of somebody")]
    MaskingUnconfirmed,

    #[error("no subjects were asked for")]
    SubjectsEmpty,

    #[error("{count} subjects; at most {SUBJECTS_MAX} are looked up at once")]
    SubjectsTooMany { count: usize },

    #[error("{count} accounts; at most {ACTORS_MAX} are answered at once")]
    RequestsTooMany { count: usize },

    #[error("the batch is not one of the connector's: {problem}")]
    BatchMalformed { problem: &'static str },

    #[error("not a model: {problem}")]
    ModelInvalid { problem: String },

    #[error("{SHADOWS_MAX} models are in shadow, and each makes every pass longer")]
    ModelsTooMany,

    #[error("there is no model `{name}`")]
    ModelUnknown { name: String },

    #[error("`{name}` is not in the state for this: {problem}")]
    ModelState { name: String, problem: &'static str },

    /// It was taken in by a version that knew it, and this one does not.
    #[error("the model `{name}` cannot be read")]
    ModelBroken {
        name: String,
        #[source]
        source: ModelInvalid,
    },

    #[error("no model serves")]
    ModelMissing,
    #[error("`{field}` is a revision token of another deployment")]
    RevisionElsewhere { field: &'static str },

    #[error("what was asked for was not scored within {waited:?}")]
    RevisionNotReached { waited: Duration },

    #[error("{max} watches are open; a process has no more at once")]
    WatchesTooMany { max: usize },

    #[error("this process is about to stop")]
    Stopping,

    #[error("no rebuild goes on")]
    RebuildUnknown,

    #[error("there is no finding {finding}")]
    FindingUnknown { finding: String },

    #[error("there is no case {contest}")]
    ContestUnknown { contest: String },

    #[error("case {contest} was answered otherwise")]
    ContestAnswered { contest: i64 },

    #[error("the person has {open} cases that are not answered")]
    ContestsTooMany { open: i64 },

    #[error("an explanation that was kept cannot be read")]
    Explanation(#[source] prost::DecodeError),

    /// What social-graph says about the caller's own account: unknown, ambiguous or not one.
    #[error("social-graph refused the account")]
    Account(#[source] Status),

    #[error("social-graph did not answer")]
    Peer(#[source] Status),

    /// Of a read that others waited for too.
    #[error("a read that several waited for failed")]
    Shared(#[source] Arc<Error>),

    #[error("an encoded score cannot be decoded")]
    Encoding(#[source] prost::DecodeError),

    #[error("a read panicked")]
    ReadLost,

    #[error("reading took too long")]
    TooSlow(#[source] Status),

    #[error("packed evidence or an epoch cannot be read")]
    Packed(#[source] PackedInvalid),

    #[error("epoch {epoch} does not have all its parts")]
    EpochTorn { epoch: u64 },

    #[error("evidence is being made again")]
    Rebuilding,

    #[error("`{name}`, which an account is said to be on, is no network")]
    NetworkBroken { name: String },

    #[error("scores rest on the model {model}, which is not there")]
    ModelGone { model: String },

    #[error("what was computed is lost")]
    Lost(#[source] JoinError),

    #[error("{resumptions} processes died over the pass")]
    PassGivenUp { resumptions: i32 },

    #[error("there is no pass {pass}, or it is long over")]
    RescoreUnknown { pass: i64 },

    #[error("the first score of person {person} is of a later day")]
    ScoreNotYet { person: PersonId },

    #[error("could not {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

impl Error {
    pub(crate) fn store(action: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Store { action, source }
    }

    /// A refusal of social-graph, told apart: the caller's mistake, or our trouble.
    pub(crate) fn resolving(status: Status) -> Self {
        match reason(&status).as_deref() {
            Some("PERSON_UNKNOWN" | "HANDLE_AMBIGUOUS" | "FIELD_INVALID") => Self::Account(status),
            Some(_) | None => Self::Peer(status),
        }
    }
}

/// How long a loop waits to be told whether there is anything to do. Its step may take an hour, and a connection that
/// is dead without a word would be missing from the pool for as long.
pub(crate) const LOOK_TIME_MAX: Duration = Duration::from_secs(10);

/// Gives an end to work that Postgres may never answer.
pub(crate) async fn ending<F: Future>(time_max: Duration, work: F) -> Result<F::Output, Error> {
    let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    let done = tokio::time::timeout(time_max, work).await;
    done.map_err(late).map_err(Error::store("end a transaction in time"))
}

impl From<PageMalformed> for Error {
    fn from(error: PageMalformed) -> Self {
        Self::FieldInvalid { field: error.field, problem: error.problem }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error.refusal() {
            Ok(refusal) => refusal.into_status(error),
            Err(status) => status,
        }
    }
}

impl Error {
    /// What the caller is told; or what another service has said, in its words.
    fn refusal(&self) -> Result<Refusal, Status> {
        Ok(match self {
            Self::PersonUnknown { person } => {
                Refusal::new(Code::NotFound, "PERSON_UNKNOWN").with("person", person)
            }
            Self::ScoreUnknown { person } => {
                Refusal::new(Code::FailedPrecondition, "SCORE_UNKNOWN").with("person", person)
            }
            Self::FieldInvalid { field, problem } => Refusal::field(field, problem),
            Self::States(_) => Refusal::new(Code::InvalidArgument, "STATES_MALFORMED"),
            Self::MaskingUnconfirmed => Refusal::new(Code::Unavailable, "MASKING_UNCONFIRMED")
                .retry_after(UNCONFIRMED_RETRY),
            Self::SubjectsEmpty => Refusal::new(Code::InvalidArgument, "SUBJECTS_EMPTY"),
            Self::SubjectsTooMany { count } => {
                Refusal::new(Code::InvalidArgument, "SUBJECTS_TOO_MANY")
                    .with("count", count)
                    .with("max", SUBJECTS_MAX)
            }
            Self::RequestsTooMany { count } => {
                Refusal::new(Code::InvalidArgument, "REQUESTS_TOO_MANY")
                    .with("count", count)
                    .with("max", ACTORS_MAX)
            }
            Self::BatchMalformed { .. } => Refusal::new(Code::InvalidArgument, "BATCH_MALFORMED"),
            Self::ModelInvalid { .. } => Refusal::new(Code::InvalidArgument, "MODEL_INVALID"),
            Self::ModelsTooMany => {
                Refusal::new(Code::FailedPrecondition, "MODELS_TOO_MANY").with("max", SHADOWS_MAX)
            }
            Self::ModelUnknown { name } => {
                Refusal::new(Code::NotFound, "MODEL_UNKNOWN").with("model", name)
            }
            Self::ModelState { name, .. } => {
                Refusal::new(Code::FailedPrecondition, "MODEL_STATE").with("model", name)
            }
            Self::RevisionElsewhere { field } => {
                Refusal::new(Code::InvalidArgument, "REVISION_ELSEWHERE").with("field", field)
            }
            Self::RevisionNotReached { waited } => {
                Refusal::new(Code::Unavailable, "REVISION_NOT_REACHED").retry_after(*waited)
            }
            Self::WatchesTooMany { max } => Refusal::new(Code::Unavailable, "WATCHES_TOO_MANY")
                .with("max", max)
                .retry_after(WATCHES_RETRY),
            Self::Stopping => Refusal::new(Code::Unavailable, "STOPPING").retry_after(STOP_RETRY),
            Self::RebuildUnknown => Refusal::new(Code::FailedPrecondition, "REBUILD_UNKNOWN"),
            Self::FindingUnknown { finding } => {
                Refusal::new(Code::NotFound, "FINDING_UNKNOWN").with("finding", finding)
            }
            Self::ContestUnknown { contest } => {
                Refusal::new(Code::NotFound, "CONTEST_UNKNOWN").with("contest", contest)
            }
            Self::ContestAnswered { contest } => {
                Refusal::new(Code::FailedPrecondition, "CONTEST_ANSWERED").with("contest", contest)
            }
            Self::ContestsTooMany { open } => {
                Refusal::new(Code::FailedPrecondition, "CONTESTS_TOO_MANY").with("open", open)
            }
            Self::Explanation(_) => Refusal::new(Code::Internal, "STORE_FAILED"),
            // It is about what the caller sent, in the words of the service that knows.
            Self::Account(status) => return Err(status.clone()),
            Self::Shared(error) => return error.refusal(),
            Self::ModelBroken { .. } | Self::ModelMissing => Refusal::new(Code::Internal, "FAULT"),
            Self::Encoding(_) => Refusal::new(Code::Internal, "FAULT"),
            Self::ReadLost | Self::Lost(_) => Refusal::new(Code::Internal, "PANICKED"),
            Self::Packed(_)
            | Self::EpochTorn { .. }
            | Self::NetworkBroken { .. }
            | Self::ModelGone { .. }
            | Self::PassGivenUp { .. } => Refusal::new(Code::Internal, "FAULT"),
            Self::Rebuilding => {
                Refusal::new(Code::Unavailable, "EVIDENCE_INCOMPLETE").retry_after(REBUILDING_RETRY)
            }
            Self::RescoreUnknown { pass } => {
                Refusal::new(Code::NotFound, "RESCORE_UNKNOWN").with("rescore", pass)
            }
            Self::ScoreNotYet { person } => {
                Refusal::new(Code::NotFound, "SCORE_NOT_YET").with("person", person)
            }
            Self::TooSlow(_) => {
                Refusal::new(Code::Unavailable, "STORE_UNAVAILABLE").retry_after(TOO_SLOW_RETRY)
            }
            Self::Peer(status) => Refusal::peer(status),
            Self::Store { source, .. } => Refusal::store(source),
        })
    }
}
