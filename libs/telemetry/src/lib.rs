//! Logs, traces and metrics of one process.
//!
//! [`init`] comes first, after the configuration; the [`Telemetry`] it returns goes last, because
//! dropping it flushes what was not exported yet.

mod line;
mod metrics;
mod propagation;
mod statements;

use std::{io::IsTerminal as _, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use serde::Deserialize;
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
    util::TryInitError,
};

use crate::{line::WithTrace, statements::Statements};
pub use crate::{
    metrics::{
        Counter, Gauge, Histogram, Kind, Label, Metric, Values, metrics_text, sum_up_metrics,
    },
    propagation::{continue_trace, exports_traces, inject_trace, tells_quick_spans},
    statements::METRICS,
};

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
    /// How many of the traces that begin here are exported. What a caller has decided stands.
    pub trace_ratio: Ratio,
}

/// From 0, none, to 1, all.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(try_from = "f64")]
pub struct Ratio(f64);

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
    #[error("metrics were already set up in this process")]
    MetricsTwice,
}

#[derive(Debug, thiserror::Error)]
#[error("{0} is not between 0 and 1")]
pub struct RatioInvalid(f64);

/// Logs and traces, until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends telemetry"]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Sets logs, traces and metrics up for this process. Logs go to stderr.
///
/// Has to be called inside a tokio runtime when an OTLP endpoint is configured.
///
/// # Errors
///
/// When the filter or the endpoint cannot be read, or when it was called before.
pub fn init(config: &Config, process: String) -> Result<Telemetry, Error> {
    let filter: EnvFilter = config.log.parse().map_err(Error::LogFilter)?;
    let ansi = std::io::stderr().is_terminal();
    let output = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(ansi);
    let output = match config.log_format {
        LogFormat::Text => output.map_event_format(|line| WithTrace::text(line, ansi)).boxed(),
        LogFormat::Json => output.json().map_event_format(WithTrace::json).boxed(),
    };

    let provider = match config.otlp_endpoint.as_str() {
        "" => None,
        endpoint => Some(exporting_provider(endpoint, config.trace_ratio, process)?),
    };
    let traces = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("klout")));

    // Before anything makes a handle of a metric, as statements do.
    metrics::keep()?;
    METRICS.iter().for_each(Metric::describe);
    if traces.is_some() {
        propagation::exports();
    }
    opentelemetry::global::set_text_map_propagator(
        opentelemetry_sdk::propagation::TraceContextPropagator::new(),
    );
    tracing_subscriber::registry()
        .with(filter)
        .with(output)
        .with(traces)
        .with(Statements::default())
        .try_init()
        .map_err(Error::Twice)?;
    Ok(Telemetry { provider })
}

fn exporting_provider(
    endpoint: &str,
    ratio: Ratio,
    process: String,
) -> Result<SdkTracerProvider, Error> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIME_MAX)
        .build()
        .map_err(Error::Otlp)?;
    Ok(SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio.0))))
        .with_resource(Resource::builder().with_service_name(process).build())
        .with_batch_exporter(exporter)
        .build())
}

// === impl Ratio ===

impl TryFrom<f64> for Ratio {
    type Error = RatioInvalid;

    fn try_from(ratio: f64) -> Result<Self, RatioInvalid> {
        if (0.0..=1.0).contains(&ratio) { Ok(Self(ratio)) } else { Err(RatioInvalid(ratio)) }
    }
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
