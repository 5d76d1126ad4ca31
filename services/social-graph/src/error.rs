//! What can go wrong in social-graph, and what the caller is told.

use klout_chassis::{PageMalformed, Refusal};
use klout_model::{Network, PersonId};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tonic::{Code, Status};

use crate::{
    plus_k::{block, propose},
    rpc::{LOOKUPS_MAX, REQUESTS_MAX},
};

/// How long to wait before asking again whether a state is confirmed.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{field}`: {problem}")]
    FieldInvalid { field: String, problem: String },

    #[error("{count} requests; at most {REQUESTS_MAX} are answered at once")]
    RequestsTooMany { count: usize },

    #[error("look-ups of {count} people; those of at most {LOOKUPS_MAX} are written down at once")]
    LookupsTooMany { count: usize },

    #[error("there is no person {person}")]
    PersonUnknown { person: PersonId },

    #[error("nobody has linked {name} of {network}")]
    AccountUnknown { network: Network, name: String },

    #[error("several people of {network} are called {handle}; name one by its native id")]
    HandleAmbiguous { network: Network, handle: String, native_ids: Vec<String> },

    #[error(
        "{native_id} of {network} belongs to somebody else, or to somebody with other accounts"
    )]
    AccountLinked { network: Network, native_id: String },

    #[error("{native_id} of {network} has the account id of another account")]
    AccountIdShared { network: Network, native_id: String },

    #[error("there is no topic {topic}, or the receiver does not have it")]
    TopicUnknown { topic: String },

    #[error("the receiver takes nothing from this member")]
    GiverBlocked,

    #[error("today's {daily} +K are given; there are new ones from {reset_time}")]
    BudgetSpent { daily: u16, reset_time: OffsetDateTime },

    #[error(
        "one was given to this receiver on this topic already; another one can be from {again_time}"
    )]
    PlusKGiven { again_time: OffsetDateTime },

    #[error("this request id was used for another +K")]
    RequestIdReused,

    #[error("there is no +K {plus_k} of this member")]
    PlusKUnknown { plus_k: i64 },

    #[error("it could be taken back until {until}")]
    PlusKFinal { until: OffsetDateTime },

    #[error("it was thanked for in other words")]
    ThanksGiven,

    #[error("too many proposals wait: 10 of one proposer, 100 for one member")]
    ProposalsTooMany,

    #[error("no proposal {proposal} waits for this member")]
    ProposalUnknown { proposal: i64 },

    #[error("1,000 people are blocked already")]
    BlocksTooMany,

    /// What topics says about what the caller named.
    #[error("topics refused what was asked")]
    Topics(#[source] Status),

    #[error("another service did not answer")]
    Peer(#[source] Status),

    #[error("the batch is not one of the connector's: {problem}")]
    BatchMalformed { problem: &'static str },

    #[error("it is decided, and {} did not confirm in time that it shows nothing any more", services.join(", "))]
    MaskingUnconfirmed { services: Vec<&'static str> },

    #[error("there is no receipt {receipt}")]
    ReceiptUnknown { receipt: uuid::Uuid },

    #[error("nobody is known by that, or not as surely as was asked")]
    NobodyKnown,

    #[error("that belongs to different people, as likely each")]
    PeopleAmbiguous,

    #[error("who may be younger than {limit} cannot take part")]
    AgeBelowLimit { limit: u8 },

    #[error("{person} is {into} already")]
    PersonMerged { person: PersonId, into: PersonId },

    #[error("a person has at most {max} accounts")]
    AccountsTooMany { max: i64 },

    #[error("the link was not started here, or too long ago, or is used")]
    LinkUnknown,

    #[error("{page} does not show the proof")]
    ProofMissing { page: url::Url },

    #[error("{page} cannot be read")]
    PageUnavailable { page: url::Url },

    #[error(
        "{native_id} of {network} belongs to somebody else; there is a dispute now, which an operator settles"
    )]
    AccountDisputed { network: Network, native_id: String },

    #[error("there is no dispute {dispute}")]
    DisputeUnknown { dispute: i64 },

    #[error("one of the contacts belongs to somebody else")]
    ContactTaken,

    #[error("one of the contacts is on a deletion list")]
    ContactSuppressed,
    #[error("these states are none: {problem}")]
    StatesMalformed { problem: &'static str },

    #[error("the list broke off")]
    Stream(#[source] Box<Status>),

    #[error("{service} did not tell what it holds")]
    Undescribed {
        service: &'static str,
        #[source]
        source: Box<Status>,
    },

    #[error("could not {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

impl Error {
    pub(crate) fn field(field: impl Into<String>, problem: impl ToString) -> Self {
        Self::FieldInvalid { field: field.into(), problem: problem.to_string() }
    }

    /// A service describes a person by what is no JSON object, which would spoil what all others say.
    pub(crate) fn misdescribed(service: &'static str) -> Self {
        let source = Box::new(Status::internal("it described a person by what is no JSON object"));
        Self::Undescribed { service, source }
    }

    pub(crate) fn store(action: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Store { action, source }
    }
}

impl From<PageMalformed> for Error {
    fn from(error: PageMalformed) -> Self {
        Self::field(error.field, error.problem)
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let refusal = match &error {
            Error::FieldInvalid { field, problem } => Refusal::field(field, problem),
            Error::RequestsTooMany { count } => {
                Refusal::new(Code::InvalidArgument, "REQUESTS_TOO_MANY")
                    .with("count", count)
                    .with("max", REQUESTS_MAX)
            }
            Error::LookupsTooMany { count } => {
                Refusal::new(Code::InvalidArgument, "REQUESTS_TOO_MANY")
                    .with("count", count)
                    .with("max", LOOKUPS_MAX)
            }
            Error::PersonUnknown { person } => {
                Refusal::new(Code::NotFound, "PERSON_UNKNOWN").with("person", person)
            }
            Error::AccountUnknown { network, name } => {
                Refusal::new(Code::NotFound, "PERSON_UNKNOWN")
                    .with("network", network)
                    .with("account", name)
            }
            Error::HandleAmbiguous { network, handle, native_ids } => {
                Refusal::new(Code::FailedPrecondition, "HANDLE_AMBIGUOUS")
                    .with("network", network)
                    .with("handle", handle)
                    .with("native_ids", native_ids.join(" "))
            }
            Error::AccountLinked { network, native_id } => {
                Refusal::new(Code::AlreadyExists, "ACCOUNT_LINKED")
                    .with("network", network)
                    .with("native_id", native_id)
            }
            Error::AccountIdShared { .. } => Refusal::new(Code::Internal, "ACCOUNT_ID_SHARED"),
            Error::TopicUnknown { topic } => {
                Refusal::new(Code::NotFound, "TOPIC_UNKNOWN").with("topic", topic)
            }
            Error::GiverBlocked => Refusal::new(Code::PermissionDenied, "GIVER_BLOCKED"),
            Error::BudgetSpent { daily, reset_time } => {
                Refusal::new(Code::ResourceExhausted, "BUDGET_SPENT")
                    .with("daily", daily)
                    .with("reset_time", text(*reset_time))
            }
            Error::PlusKGiven { again_time } => {
                Refusal::new(Code::FailedPrecondition, "PLUS_K_GIVEN")
                    .with("again_time", text(*again_time))
            }
            Error::RequestIdReused => Refusal::new(Code::InvalidArgument, "REQUEST_ID_REUSED"),
            Error::PlusKUnknown { plus_k } => {
                Refusal::new(Code::NotFound, "PLUS_K_UNKNOWN").with("plus_k", plus_k)
            }
            Error::PlusKFinal { until } => Refusal::new(Code::FailedPrecondition, "PLUS_K_FINAL")
                .with("take_back_until_time", text(*until)),
            Error::ThanksGiven => Refusal::new(Code::FailedPrecondition, "THANKS_GIVEN"),
            Error::ProposalsTooMany => Refusal::new(Code::ResourceExhausted, "PROPOSALS_TOO_MANY")
                .with("of_proposer_max", propose::OF_PROPOSER_MAX)
                .with("for_person_max", propose::FOR_PERSON_MAX),
            Error::ProposalUnknown { proposal } => {
                Refusal::new(Code::NotFound, "PROPOSAL_UNKNOWN").with("proposal", proposal)
            }
            Error::BlocksTooMany => Refusal::new(Code::ResourceExhausted, "BLOCKS_TOO_MANY")
                .with("max", block::BLOCKS_MAX),
            // It is about what the caller sent, in the words of the service that knows.
            Error::Topics(status) => return status.clone(),
            Error::Peer(status) => Refusal::peer(status),
            Error::BatchMalformed { .. } => Refusal::new(Code::InvalidArgument, "BATCH_MALFORMED"),
            Error::MaskingUnconfirmed { services } => {
                Refusal::new(Code::Unavailable, "MASKING_UNCONFIRMED")
                    .with("services", services.join(" "))
                    .retry_after(RETRY_AFTER)
            }
            Error::ReceiptUnknown { receipt } => {
                Refusal::new(Code::NotFound, "RECEIPT_UNKNOWN").with("receipt", receipt)
            }
            Error::NobodyKnown => Refusal::new(Code::NotFound, "PERSON_UNKNOWN"),
            Error::PeopleAmbiguous => Refusal::new(Code::FailedPrecondition, "PEOPLE_AMBIGUOUS"),
            Error::AgeBelowLimit { limit } => {
                Refusal::new(Code::FailedPrecondition, "AGE_BELOW_LIMIT").with("limit", limit)
            }
            Error::PersonMerged { person, into } => {
                Refusal::new(Code::FailedPrecondition, "PERSON_MERGED")
                    .with("person", person)
                    .with("into_person", into)
            }
            Error::AccountsTooMany { max } => {
                Refusal::new(Code::FailedPrecondition, "ACCOUNTS_TOO_MANY").with("max", max)
            }
            Error::LinkUnknown => Refusal::new(Code::NotFound, "LINK_UNKNOWN"),
            Error::ProofMissing { page } => {
                Refusal::new(Code::FailedPrecondition, "PROOF_MISSING").with("page", page)
            }
            Error::PageUnavailable { page } => Refusal::new(Code::Unavailable, "PAGE_UNAVAILABLE")
                .with("page", page)
                .retry_after(RETRY_AFTER),
            Error::AccountDisputed { network, native_id } => {
                Refusal::new(Code::AlreadyExists, "ACCOUNT_DISPUTED")
                    .with("network", network)
                    .with("native_id", native_id)
            }
            Error::DisputeUnknown { dispute } => {
                Refusal::new(Code::NotFound, "DISPUTE_UNKNOWN").with("dispute", dispute)
            }
            Error::ContactTaken => Refusal::new(Code::AlreadyExists, "CONTACT_TAKEN"),
            Error::ContactSuppressed => {
                Refusal::new(Code::FailedPrecondition, "CONTACT_SUPPRESSED")
            }
            Error::StatesMalformed { .. } => {
                Refusal::new(Code::InvalidArgument, "STATES_MALFORMED")
            }
            Error::Stream(source) => return Status::clone(source),
            Error::Undescribed { service, source } => {
                Refusal::peer(source).with("service", service)
            }
            Error::Store { source, .. } => Refusal::store(source),
        };
        refusal.into_status(error)
    }
}

fn text(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}
