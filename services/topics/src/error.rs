//! What can go wrong in topics, and what the caller is told.

use klout_chassis::{PageMalformed, Refusal, reason};
use klout_model::PersonId;
use klout_ontology::Flaw;
use klout_proto::people::StatesMalformed;
use tokio::task::JoinError;
use tonic::{Code, Status};

use crate::sayings::TOPICS_MAX;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no person {person}")]
    PersonUnknown { person: PersonId },

    #[error("there is no topic `{topic}`")]
    TopicUnknown { topic: String },

    #[error("the person says that `{topic}` is wrong of them; restore it first")]
    TopicVetoed { topic: String },

    #[error("20 topics are declared already")]
    TopicsTooMany,

    #[error("`{field}` {problem}")]
    FieldInvalid { field: &'static str, problem: &'static str },

    #[error(transparent)]
    States(StatesMalformed),

    #[error("the batch is not one of the connector's: {problem}")]
    BatchMalformed { problem: &'static str },

    #[error("{}", first(flaws))]
    OntologyInvalid { flaws: Vec<Flaw> },

    #[error("there is an edition {edition} with other content")]
    EditionDiffers { edition: String },

    #[error("there is no edition {edition}")]
    EditionUnknown { edition: String },

    /// It was taken in by a version that could read it.
    #[error("the edition {edition} that was kept cannot be read: {flaws}")]
    EditionBroken { edition: i64, flaws: String },

    #[error("no ontology is in use")]
    OntologyMissing,

    /// What social-graph says about an account that the caller named: unknown, ambiguous or not one.
    #[error("social-graph refused an account")]
    Account(#[source] Status),

    #[error("another service did not answer")]
    Peer(#[source] Status),

    #[error("the stream of the caller broke")]
    Stream(#[source] Status),

    #[error("what was computed is lost")]
    Lost(#[source] JoinError),

    #[error("could not {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

/// What is wrong first.
fn first(flaws: &[Flaw]) -> String {
    let more = match flaws.len() {
        0 | 1 => String::new(),
        several => format!(" (and {} more)", several - 1),
    };
    flaws.first().map_or_else(|| "not an ontology".to_owned(), |flaw| format!("{flaw}{more}"))
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

    /// What the caller is told; or what another service has said, in its words.
    fn refusal(&self) -> Result<Refusal, Status> {
        Ok(match self {
            Self::PersonUnknown { person } => {
                Refusal::new(Code::NotFound, "PERSON_UNKNOWN").with("person", person)
            }
            Self::TopicUnknown { topic } => {
                Refusal::new(Code::NotFound, "TOPIC_UNKNOWN").with("topic", topic)
            }
            Self::TopicVetoed { topic } => {
                Refusal::new(Code::FailedPrecondition, "TOPIC_VETOED").with("topic", topic)
            }
            Self::TopicsTooMany => {
                Refusal::new(Code::FailedPrecondition, "TOPICS_TOO_MANY").with("max", TOPICS_MAX)
            }
            Self::FieldInvalid { field, problem } => Refusal::field(field, problem),
            Self::States(_) => Refusal::new(Code::InvalidArgument, "STATES_MALFORMED"),
            Self::BatchMalformed { .. } => Refusal::new(Code::InvalidArgument, "BATCH_MALFORMED"),
            Self::OntologyInvalid { flaws } => {
                let refusal = Refusal::new(Code::InvalidArgument, "ONTOLOGY_INVALID");
                let numbered = flaws.iter().zip(1_u8..);
                numbered
                    .fold(refusal, |all, (flaw, number)| all.with(&format!("flaw{number}"), flaw))
            }
            Self::EditionDiffers { edition } => {
                Refusal::new(Code::FailedPrecondition, "EDITION_DIFFERS").with("edition", edition)
            }
            Self::EditionUnknown { edition } => {
                Refusal::new(Code::NotFound, "EDITION_UNKNOWN").with("edition", edition)
            }
            // It is about what the caller sent, in the words of the service or of the transport that knows.
            Self::Account(status) | Self::Stream(status) => return Err(status.clone()),
            Self::EditionBroken { .. } | Self::OntologyMissing => {
                Refusal::new(Code::Internal, "FAULT")
            }
            Self::Lost(_) => Refusal::new(Code::Internal, "PANICKED"),
            Self::Peer(status) => Refusal::peer(status),
            Self::Store { source, .. } => Refusal::store(source),
        })
    }
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
