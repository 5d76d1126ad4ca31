//! How a command ends: 0 done, 1 failed, 2 usage, 64 configuration.

use std::{fmt, process::ExitCode};

use klout_chassis::{Chain, ConfigError, ServeError, StartError, reason};
use tonic::Status;

use crate::printable::printable;

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

/// Runs an asynchronous command to its end. What it left on other threads is not waited for.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("could not start threads: {error}")))?;
    let done = runtime.block_on(command);
    runtime.shutdown_background();
    done
}

impl Failure {
    pub(crate) fn failed(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Failed(Chain(error).to_string())
    }

    /// What a service said, with the flags of this command in place of the fields of its request.
    pub(crate) fn naming(flags: &[(&str, &str)]) -> impl Fn(Status) -> Self {
        move |status| {
            let mut message = status.message().to_owned();
            for (field, flag) in flags {
                message = message.replace(&format!("`{field}`"), flag);
            }
            Self::said(&status, &message)
        }
    }

    /// What a service said, with its reason.
    fn said(status: &Status, message: &str) -> Self {
        let reason = reason(status);
        let hint = match reason.as_deref() {
            Some("TOKEN_MISSING" | "TOKEN_INVALID") => {
                "; set KLOUT_KEY to a token that `klout keys token` printed"
            }
            _ => "",
        };
        let reason = reason.unwrap_or_else(|| format!("{:?}", status.code()));
        Self::Failed(format!("{} ({reason}){hint}", printable(message)))
    }

    /// Says what happened on stderr.
    pub(crate) fn report(&self) -> ExitCode {
        let code = match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Configuration(_) => 64,
        };
        eprintln!("klout: {self}");
        ExitCode::from(code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Failed(message) | Self::Usage(message) | Self::Configuration(message)) = self;
        f.write_str(message)
    }
}

impl From<Status> for Failure {
    /// What a service said, in its words and with its reason.
    fn from(status: Status) -> Self {
        Self::said(&status, status.message())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        StartError::Config(error).into()
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

#[cfg(test)]
mod tests {
    use klout_chassis::Refusal;

    use super::*;

    #[test]
    fn what_a_service_says_of_a_field_is_said_of_the_flag() {
        let status = Refusal::field("since_time", "has").into_plain_status("`since_time` is \u{7}");
        let failure = Failure::naming(&[("serve_time", "--at"), ("since_time", "--since")])(status);
        assert_eq!(failure.to_string(), r"--since is \u{7} (FIELD_INVALID)");
    }
}
