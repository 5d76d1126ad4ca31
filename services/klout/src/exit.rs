//! How a command ends: 0 done, 1 failed, 2 usage, 64 configuration.

use std::process::ExitCode;

use klout_chassis::{Chain, ServeError, StartError, reason};
use tokio::runtime::Runtime;
use tonic::Status;

/// Why a command did not do what it should.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was tried and failed.
    Failed(String),
    /// The command line cannot be.
    Usage(String),
    /// The configuration cannot be.
    Configuration(String),
}

/// What asynchronous commands run on.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("could not start threads: {error}")))
}

impl Failure {
    pub(crate) fn failed(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Failed(Chain(error).to_string())
    }

    /// Says what happened on stderr.
    pub(crate) fn report(&self) -> ExitCode {
        let (message, code) = match self {
            Self::Failed(message) => (message, 1),
            Self::Usage(message) => (message, 2),
            Self::Configuration(message) => (message, 64),
        };
        eprintln!("klout: {message}");
        ExitCode::from(code)
    }
}

impl From<Status> for Failure {
    /// What a service said, in its words and with its reason.
    fn from(status: Status) -> Self {
        let reason = reason(&status);
        let hint = match reason.as_deref() {
            Some("TOKEN_MISSING" | "TOKEN_INVALID") => {
                "; set KLOUT_KEY to a key that `klout keys create` printed"
            }
            _ => "",
        };
        let reason = reason.unwrap_or_else(|| format!("{:?}", status.code()));
        Self::Failed(format!("{} ({reason}){hint}", status.message()))
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let message = Chain(&error).to_string();
        match error {
            StartError::Config(_) | StartError::Link(_) | StartError::Cache(_) => {
                Self::Configuration(message)
            }
            StartError::ServiceUnknown(..) => Self::Usage(message),
            StartError::Bind { .. }
            | StartError::Database { .. }
            | StartError::Build { .. }
            | StartError::Reflection(_)
            | StartError::Telemetry(_) => Self::Failed(message),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Start(error) => error.into(),
            ServeError::Stop(error) => Self::failed(&error),
        }
    }
}
