//! What can go wrong in perks, and what the caller is told.

use std::{borrow::Cow, sync::Arc, time::Duration};

use klout_chassis::{PageMalformed, Refusal, reason};
use klout_perk_rules::RuleError;
use klout_proto::people::StatesMalformed;
use tokio::task::JoinError;
use tonic::{Code, Status};

/// How long a sample takes to be drawn, about.
const SAMPLE_RETRY_AFTER: Duration = Duration::from_secs(2);

/// How long a line takes that is too long, about.
const OVERLOADED_RETRY_AFTER: Duration = Duration::from_millis(200);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{field}` {problem}")]
    FieldInvalid { field: Cow<'static, str>, problem: Cow<'static, str> },

    #[error("the rule `{rule}` is wrong at line {}, column {}: {}", flaw.line, flaw.column, flaw.problem)]
    RuleInvalid { rule: String, flaw: RuleError },

    #[error("this request_id was used for another request")]
    RequestIdReused,

    #[error("there is no campaign {campaign}")]
    CampaignUnknown { campaign: String },

    #[error("the campaign has version {version} by now")]
    CampaignChanged { version: i32 },

    #[error("the campaign has ended")]
    CampaignEnded,

    #[error("the campaign {problem}")]
    CampaignIncomplete { problem: &'static str },

    #[error("{max} campaigns are active already")]
    CampaignsTooMany { max: i64 },

    /// It was taken in by a version that could read it.
    #[error("version {version} of the campaign {campaign} that was kept cannot be read")]
    CampaignBroken { campaign: i64, version: i32 },

    #[error("the campaign gives no uploaded codes")]
    CodesNotUploaded,

    /// Nobody, or they have left, or they do not consent to perks: the caller is not told which.
    #[error("there is no such person")]
    PersonUnknown,

    #[error("nobody knows the person's score")]
    ScoreUnknown,

    #[error("there is no property `{property}`")]
    PropertyUnknown { property: String },

    #[error("there is another property `{property}`")]
    PropertyExists { property: String },

    #[error("the property has no category `{category}`")]
    UpgradeUnknown { category: String },

    /// Whoever meets it asks what was told: it never leaves this service.
    #[error("the stay was decided on meanwhile")]
    StayDecided,

    #[error("there is no grant {grant}")]
    GrantUnknown { grant: String },

    #[error("the grant is {state}")]
    GrantEnded { state: &'static str },

    #[error("the grant is confirmed; reverse it")]
    GrantConfirmed,

    #[error("the grant was never confirmed")]
    GrantNotConfirmed,

    #[error("there is no decision {decision}")]
    DecisionUnknown { decision: String },

    #[error("the person was erased, and with them what was decided from")]
    DecisionErased,

    #[error("the pass {problem}")]
    PassInvalid { problem: &'static str },

    #[error("no sample of members is there yet")]
    SamplePending,

    #[error("there is no preview {preview}")]
    PreviewUnknown { preview: String },

    #[error(transparent)]
    States(StatesMalformed),

    #[error("not every process confirmed in time who is no member any more")]
    MaskingUnconfirmed,

    /// What social-graph says about an account that the caller named: unknown, ambiguous or not one.
    #[error("social-graph refused an account")]
    Account(#[source] Status),

    #[error("another service did not answer in time, or what cannot be")]
    Slow,

    #[error("another service did not answer")]
    Peer(#[source] Status),

    #[error("too much waits for the campaign already")]
    Overloaded,

    /// What whoever stands in the same line is told too.
    #[error(transparent)]
    Shared(Arc<Self>),

    /// The task ended that was to answer: nobody can say whether anything was written.
    #[error("nobody answered for the group")]
    GroupLost,

    #[error("what was computed is lost")]
    Lost(#[source] JoinError),

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

    pub(crate) fn field(
        field: impl Into<Cow<'static, str>>,
        problem: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::FieldInvalid { field: field.into(), problem: problem.into() }
    }

    pub(crate) fn no_campaign(campaign: i64) -> Self {
        Self::CampaignUnknown { campaign: campaign.to_string() }
    }

    /// A refusal of social-graph, told apart: the caller's mistake, or our trouble.
    pub(crate) fn resolving(status: Status) -> Self {
        match reason(&status).as_deref() {
            Some("PERSON_UNKNOWN" | "HANDLE_AMBIGUOUS" | "FIELD_INVALID") => Self::Account(status),
            Some(_) | None => Self::Peer(status),
        }
    }

    /// Whether the store is what does not answer.
    pub(crate) fn is_of_store(&self) -> bool {
        if let Self::Shared(error) = self {
            return error.is_of_store();
        }
        matches!(self, Self::Store { .. } | Self::GroupLost | Self::Overloaded)
    }

    /// What the caller is told; or what another service has said, in its words.
    fn refusal(&self) -> Result<Refusal, Status> {
        use Code::{AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Unavailable};
        Ok(match self {
            Self::FieldInvalid { field, problem } => Refusal::field(field, problem),
            Self::RuleInvalid { rule, flaw } => Refusal::new(InvalidArgument, "RULE_INVALID")
                .with("rule", rule)
                .with("line", flaw.line)
                .with("column", flaw.column)
                .with("problem", &flaw.problem),
            Self::RequestIdReused => Refusal::new(InvalidArgument, "REQUEST_ID_REUSED"),
            Self::CampaignUnknown { campaign } => {
                Refusal::new(NotFound, "CAMPAIGN_UNKNOWN").with("campaign", campaign)
            }
            Self::CampaignChanged { version } => {
                Refusal::new(Code::Aborted, "CAMPAIGN_CHANGED").with("version", version)
            }
            Self::CampaignEnded => Refusal::new(FailedPrecondition, "CAMPAIGN_ENDED"),
            Self::CampaignIncomplete { problem } => {
                Refusal::new(FailedPrecondition, "CAMPAIGN_INCOMPLETE").with("problem", problem)
            }
            Self::CampaignsTooMany { max } => {
                Refusal::new(FailedPrecondition, "CAMPAIGNS_TOO_MANY").with("max", max)
            }
            Self::CodesNotUploaded => Refusal::new(FailedPrecondition, "CODES_NOT_UPLOADED"),
            Self::PersonUnknown => Refusal::new(NotFound, "PERSON_UNKNOWN"),
            Self::ScoreUnknown => Refusal::new(FailedPrecondition, "SCORE_UNKNOWN"),
            Self::PropertyUnknown { property } => {
                Refusal::new(NotFound, "PROPERTY_UNKNOWN").with("property", property)
            }
            Self::PropertyExists { property } => {
                Refusal::new(AlreadyExists, "PROPERTY_EXISTS").with("property", property)
            }
            Self::UpgradeUnknown { category } => {
                Refusal::new(InvalidArgument, "UPGRADE_UNKNOWN").with("category", category)
            }
            Self::GrantUnknown { grant } => {
                Refusal::new(NotFound, "GRANT_UNKNOWN").with("grant", grant)
            }
            Self::GrantEnded { state } => {
                Refusal::new(FailedPrecondition, "GRANT_ENDED").with("state", state)
            }
            Self::GrantConfirmed => Refusal::new(FailedPrecondition, "GRANT_CONFIRMED"),
            Self::GrantNotConfirmed => Refusal::new(FailedPrecondition, "GRANT_NOT_CONFIRMED"),
            Self::DecisionUnknown { decision } => {
                Refusal::new(NotFound, "DECISION_UNKNOWN").with("decision", decision)
            }
            Self::DecisionErased => Refusal::new(FailedPrecondition, "DECISION_ERASED"),
            Self::PassInvalid { problem } => {
                Refusal::new(InvalidArgument, "PASS_INVALID").with("problem", problem)
            }
            Self::SamplePending => {
                Refusal::new(Unavailable, "SAMPLE_PENDING").retry_after(SAMPLE_RETRY_AFTER)
            }
            Self::PreviewUnknown { preview } => {
                Refusal::new(NotFound, "PREVIEW_UNKNOWN").with("preview", preview)
            }
            Self::States(_) => Refusal::new(InvalidArgument, "STATES_MALFORMED"),
            Self::MaskingUnconfirmed => Refusal::new(Unavailable, "MASKING_UNCONFIRMED"),
            // It is about what the caller sent, in the words of the service that knows.
            Self::Account(status) => return Err(status.clone()),
            Self::CampaignBroken { .. } | Self::StayDecided => {
                Refusal::new(Code::Internal, "FAULT")
            }
            Self::Slow => Refusal::new(Unavailable, "PEER_UNAVAILABLE"),
            Self::Overloaded => {
                Refusal::new(Unavailable, "OVERLOADED").retry_after(OVERLOADED_RETRY_AFTER)
            }
            Self::Shared(error) => return error.refusal(),
            Self::GroupLost => {
                Refusal::new(Unavailable, "STORE_UNAVAILABLE").retry_after(OVERLOADED_RETRY_AFTER)
            }
            Self::Lost(_) => Refusal::new(Code::Internal, "PANICKED"),
            Self::Peer(status) => Refusal::peer(status),
            Self::Store { source, .. } => Refusal::store(source),
        })
    }
}

impl From<PageMalformed> for Error {
    fn from(error: PageMalformed) -> Self {
        Self::field(error.field, error.problem)
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
