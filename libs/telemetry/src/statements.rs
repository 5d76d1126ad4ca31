//! Times statements by their spans, so that no service has to.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::Instant,
};

use tracing::{Metadata, Subscriber, callsite::Identifier, span, subscriber::Interest};
use tracing_subscriber::{
    Layer,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use crate::metrics::{Histogram, Label, Metric};

/// Every number that is told of a process whatever it hosts.
pub const METRICS: &[Metric] = &[STATEMENTS];

const STATEMENTS: Metric = Metric::duration(
    "db_client_operation_duration_seconds",
    "How long a statement took, with the wait for a connection, a command of the cache too.",
)
.by(&[Label::all_of(
    "db_operation_name",
    "the statements, as `table.verb`; `cache.verb` in Redis",
)]);

/// What the names of spans of statements start with.
const PREFIXES: [&str; 2] = ["db.", "cache."];

/// Times every span that is named `db.TABLE.VERB` or `cache.VERB`, from its start to its end.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    /// By where in the source the span is made; filled when the first is made there.
    times: RwLock<HashMap<Identifier, Histogram>>,
}

/// When a statement was started; in the extensions of its span.
struct Started(Instant);

// === impl Statements ===

impl<S> Layer<S> for Statements
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_statement(metadata) {
            let name = metadata.name();
            let time = STATEMENTS.time(&[name.strip_prefix("db.").unwrap_or(name)]);
            let mut times = self.times.write().unwrap_or_else(PoisonError::into_inner);
            times.insert(metadata.callsite(), time);
        }
        Interest::always()
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, ctx: Context<'_, S>) {
        if is_statement(attributes.metadata())
            && let Some(span) = ctx.span(id)
        {
            span.extensions_mut().insert(Started(Instant::now()));
        }
    }

    fn on_close(&self, id: span::Id, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(&id)
            && is_statement(span.metadata())
        {
            self.ended(&span);
        }
    }
}

impl Statements {
    fn ended<'a, S: LookupSpan<'a>>(&self, span: &SpanRef<'a, S>) {
        let took = span.extensions().get::<Started>().map(|started| started.0.elapsed());
        let times = self.times.read().unwrap_or_else(PoisonError::into_inner);
        if let (Some(took), Some(time)) = (took, times.get(&span.metadata().callsite())) {
            time.record(took);
        }
    }
}

fn is_statement(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && PREFIXES.iter().any(|prefix| metadata.name().starts_with(prefix))
}
