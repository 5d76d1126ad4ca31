//! Lines of the log, each with the trace that it belongs to.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Json, Writer},
    },
    registry::LookupSpan,
};

use crate::propagation::trace_of;

/// What writes a line, and the trace id with it.
#[derive(Debug)]
pub(crate) struct WithTrace<F> {
    line: F,
    /// Writes both.
    join: fn(&mut Writer<'_>, line: &str, trace: &dyn fmt::Display) -> fmt::Result,
}

// === impl WithTrace ===

impl WithTrace<Format> {
    /// `LINE trace_id=ID`
    pub(crate) fn text(line: Format, ansi: bool) -> Self {
        let join = |writer: &mut Writer<'_>, line: &str, trace: &dyn fmt::Display| {
            writeln!(writer, "{} trace_id={trace}", line.trim_end_matches('\n'))
        };
        Self { line: line.with_ansi(ansi), join }
    }
}

impl WithTrace<Format<Json>> {
    /// `{"trace_id":"ID",…}`
    pub(crate) fn json(line: Format<Json>) -> Self {
        let join = |writer: &mut Writer<'_>, line: &str, trace: &dyn fmt::Display| match line
            .strip_prefix('{')
        {
            Some(fields) => write!(writer, "{{\"trace_id\":\"{trace}\",{fields}"),
            None => writer.write_str(line),
        };
        Self { line, join }
    }
}

impl<F, S, N> FormatEvent<S, N> for WithTrace<F>
where
    F: FormatEvent<S, N>,
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // OpenTelemetry's own lines may be about the very span that would be asked, while it is locked.
        let own = event.metadata().target().starts_with("opentelemetry");
        let span = if own { None } else { ctx.lookup_current() };
        let mut line = String::new();
        self.line.format_event(ctx, Writer::new(&mut line), event)?;
        match span.and_then(|span| trace_of(&span)) {
            Some(trace) => (self.join)(&mut writer, &line, &trace),
            None => writer.write_str(&line),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing::{info, info_span};
    use tracing_subscriber::{Layer, Registry, fmt, layer::SubscriberExt as _};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written inside of a span, and outside of one.
    fn written(
        output: impl FnOnce(Lines) -> Box<dyn Layer<Registry> + Send + Sync>,
    ) -> [String; 2] {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::registry().with(output(lines.clone()));
        tracing::subscriber::with_default(subscriber, || {
            info_span!("call").in_scope(|| info!(person = 7, "inside"));
            info!("outside");
        });
        let text = String::from_utf8(lines.0.lock().expect("not poisoned").clone());
        let text = text.expect("UTF-8");
        let (inside, outside) = text.split_once('\n').expect("two lines");
        [inside.to_owned(), outside.to_owned()]
    }

    #[test]
    fn a_line_of_text_inside_a_call_ends_with_its_trace() {
        let [inside, outside] = written(|lines| {
            let output = fmt::layer().with_writer(move || lines.clone()).with_ansi(false);
            output.map_event_format(|line| WithTrace::text(line, false)).boxed()
        });
        let (line, trace) = inside.rsplit_once(" trace_id=").expect("it has a trace");
        assert!(line.ends_with("inside person=7"), "{line}");
        assert_eq!(trace.len(), 32, "{trace}");
        assert!(outside.ends_with("outside\n") && !outside.contains("trace_id"), "{outside}");
    }

    #[test]
    fn a_line_of_json_inside_a_call_has_its_trace() {
        let [inside, outside] = written(|lines| {
            let output = fmt::layer().with_writer(move || lines.clone()).json();
            output.map_event_format(WithTrace::json).boxed()
        });
        let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
        assert_eq!(read(&inside)["trace_id"].as_str().map(str::len), Some(32), "{inside}");
        assert_eq!(read(&inside)["fields"]["person"], 7, "{inside}");
        assert_eq!(read(&outside).get("trace_id"), None, "{outside}");
    }
}
