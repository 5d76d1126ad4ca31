//! How a command ends: 0 done, 1 failed, 2 usage, 64 configuration.

use std::process::ExitCode;

use klout_chassis::{Chain, ServeError, StartError};

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
