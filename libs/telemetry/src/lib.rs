//! Logs and traces of one process.
//!
//! [`init`] comes first, after the configuration; the [`Telemetry`] it returns goes last, because
//! dropping it flushes what was not exported yet. Metrics are not here yet.

mod propagation;

use std::{io::IsTerminal as _, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use serde::Deserialize;
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
    util::TryInitError,
};

pub use crate::propagation::{continue_trace, inject_trace};

/// How long an export may take, and so how long flushing holds up the end of the process.
const EXPORT_TIME_MAX: Duration = Duration::from_secs(3);

/// Everything an operator can change about logs and traces.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Which events are logged, in the syntax of `RUST_LOG`.
    pub log: String,
    /// How they are written.
    pub log_format: LogFormat,
    /// Where traces go: the gRPC address of an OpenTelemetry collector. Empty: nowhere.
    pub otlp_endpoint: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`telemetry.log` is not a filter such as `info,klout=debug`")]
    LogFilter(#[source] tracing_subscriber::filter::ParseError),
    #[error("`telemetry.otlp_endpoint` is not an address that traces can be sent to")]
    Otlp(#[source] opentelemetry_otlp::ExporterBuildError),
    #[error("telemetry was already set up in this process")]
    Twice(#[source] TryInitError),
}

/// Logs and traces, until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends telemetry"]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Sets logs and traces up for this process. Logs go to stderr.
///
/// Has to be called inside a tokio runtime when an OTLP endpoint is configured.
///
/// # Errors
///
/// When the filter or the endpoint cannot be read, or when it was called before.
pub fn init(config: &Config, process: &'static str) -> Result<Telemetry, Error> {
    let filter: EnvFilter = config.log.parse().map_err(Error::LogFilter)?;
    let output = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let output = match config.log_format {
        LogFormat::Text => output.boxed(),
        LogFormat::Json => output.json().boxed(),
    };

    let provider = match config.otlp_endpoint.as_str() {
        "" => None,
        endpoint => Some(exporting_provider(endpoint, process)?),
    };
    let traces = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("klout")));

    opentelemetry::global::set_text_map_propagator(
        opentelemetry_sdk::propagation::TraceContextPropagator::new(),
    );
    tracing_subscriber::registry()
        .with(filter)
        .with(output)
        .with(traces)
        .try_init()
        .map_err(Error::Twice)?;
    Ok(Telemetry { provider })
}

fn exporting_provider(endpoint: &str, process: &'static str) -> Result<SdkTracerProvider, Error> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIME_MAX)
        .build()
        .map_err(Error::Otlp)?;
    Ok(SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name(process).build())
        .with_batch_exporter(exporter)
        .build())
}

// === impl Telemetry ===

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.provider
            && let Err(error) = provider.shutdown_with_timeout(EXPORT_TIME_MAX)
        {
            tracing::warn!(error = %error, "could not flush the last traces");
        }
    }
}
