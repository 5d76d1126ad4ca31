//! W3C trace context, in and out of requests.
//!
//! Where traces are exported, OpenTelemetry knows the trace of every span. Where they are not, a call
//! still has a trace id, by which its lines are found in the logs of all processes: the caller's, or
//! one that is made up when the first line is written or the first call goes out. Until then it
//! costs nothing.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    SpanId, TraceFlags, TraceId,
    propagation::{Extractor, Injector},
    trace::TraceContextExt as _,
};
use tracing::{Dispatch, Span, dispatcher, level_filters::LevelFilter, span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    Registry,
    registry::{LookupSpan, SpanRef},
};

const TRACEPARENT: &str = "traceparent";

/// Whether OpenTelemetry knows the spans of this process.
static EXPORTS: AtomicBool = AtomicBool::new(false);

/// Of a trace that this process takes no part in, what it passes on; in the extensions of the
/// outermost span of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Passing {
    trace: TraceId,
    parent: SpanId,
    flags: TraceFlags,
}

/// Spans of this process are exported from here on.
pub(crate) fn exports() {
    EXPORTS.store(true, Ordering::Relaxed);
}

/// Whether this process exports traces.
#[must_use]
pub fn exports_traces() -> bool {
    EXPORTS.load(Ordering::Relaxed)
}

/// Whether anybody could see the span of a call that is answered without a wait, and without a line above DEBUG: where
/// traces are exported, or such lines are written.
#[must_use]
pub fn tells_quick_spans() -> bool {
    exports_traces() || LevelFilter::current() >= LevelFilter::DEBUG
}

/// Makes `span` a child of the caller's span, when the request has a `traceparent`.
pub fn continue_trace(span: &Span, headers: &HeaderMap) {
    if exports_traces() {
        let parent = opentelemetry::global::get_text_map_propagator(|propagator| {
            propagator.extract(&Headers(headers))
        });
        // It has just been made, so nothing has asked for its trace yet.
        let _ = span.set_parent(parent);
        return;
    }
    if let Some(passing) = headers.get(TRACEPARENT).and_then(Passing::parse) {
        span.with_subscriber(|(id, dispatch)| {
            if let Some(span) = dispatch.downcast_ref::<Registry>().and_then(|it| it.span(id)) {
                span.extensions_mut().replace(passing);
            }
        });
    }
}

/// Writes the trace of the current span into the headers of a request that goes out.
pub fn inject_trace(headers: &mut HeaderMap) {
    if exports_traces() {
        let context = Span::current().context();
        opentelemetry::global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&context, &mut HeadersMut(headers));
        });
        return;
    }
    let passing = Span::current().with_subscriber(|(id, dispatch)| {
        dispatch.downcast_ref::<Registry>()?.span(id).map(|span| Passing::of(&span))
    });
    if let Some(Some(passing)) = passing
        && let Ok(value) = HeaderValue::try_from(passing.to_string())
    {
        headers.insert(TRACEPARENT, value);
    }
}

/// The trace that `span` belongs to.
pub(crate) fn trace_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<TraceId> {
    if !exports_traces() {
        return Some(Passing::of(span).trace);
    }
    let trace = dispatcher::get_default(|dispatch| exported(&span.id(), dispatch))?;
    (trace != TraceId::INVALID).then_some(trace)
}

fn exported(span: &span::Id, dispatch: &Dispatch) -> Option<TraceId> {
    let context = tracing_opentelemetry::get_otel_context(span, dispatch)?;
    Some(context.span().span_context().trace_id())
}

// === impl Passing ===

impl Passing {
    /// The trace that a span is in: that of the span around it which knows, else one that is made up.
    fn of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Self {
        let mut outermost = None;
        for span in span.scope() {
            if let Some(passing) = span.extensions().get::<Self>() {
                return *passing;
            }
            outermost = Some(span);
        }
        let made_up = Self {
            trace: TraceId::from(rand::random::<u128>()),
            parent: SpanId::from(rand::random::<u64>()),
            flags: TraceFlags::NOT_SAMPLED,
        };
        let Some(outermost) = outermost else { return made_up };
        let mut extensions = outermost.extensions_mut();
        // Another task of the same call may have been quicker.
        if extensions.get_mut::<Self>().is_none() {
            extensions.insert(made_up);
        }
        extensions.get_mut::<Self>().copied().unwrap_or(made_up)
    }

    /// `00-TRACE-PARENT-FLAGS`; a later version may have more, which is not ours to pass on.
    fn parse(value: &HeaderValue) -> Option<Self> {
        let mut parts = value.to_str().ok()?.split('-');
        let [version, trace, parent, flags] = std::array::from_fn(|_| parts.next().unwrap_or(""));
        let hexadecimal = |text: &str, length| {
            text.len() == length && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        };
        let readable = hexadecimal(version, 2)
            && version != "ff"
            && (version != "00" || parts.next().is_none())
            && hexadecimal(trace, 32)
            && hexadecimal(parent, 16)
            && hexadecimal(flags, 2);
        let passing = Self {
            trace: TraceId::from_hex(trace).ok().filter(|_| readable)?,
            parent: SpanId::from_hex(parent).ok()?,
            flags: TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED,
        };
        (passing.trace != TraceId::INVALID && passing.parent != SpanId::INVALID).then_some(passing)
    }
}

impl fmt::Display for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.parent, self.flags)
    }
}

struct Headers<'a>(&'a HeaderMap);

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing::info_span;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const CALLERS: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(traceparent: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            HeaderName::from_static(TRACEPARENT),
            HeaderValue::from_static(traceparent),
        )])
    }

    fn passed_on() -> String {
        let mut headers = HeaderMap::new();
        inject_trace(&mut headers);
        headers[TRACEPARENT].to_str().expect("text").to_owned()
    }

    #[test]
    fn a_process_that_exports_nothing_passes_the_trace_of_its_caller_on() {
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry());
        let call = info_span!("call");
        continue_trace(&call, &headers(CALLERS));
        let passed = call.in_scope(|| info_span!("inner").in_scope(passed_on));
        assert_eq!(passed, CALLERS);
    }

    #[test]
    fn a_call_without_a_trace_gets_one_and_keeps_it() {
        let subscriber = tracing_subscriber::registry().with(tracing_subscriber::fmt::layer());
        let _guard = tracing::subscriber::set_default(subscriber);
        let call = info_span!("call");
        continue_trace(&call, &HeaderMap::new());
        let first = call.in_scope(|| info_span!("one").in_scope(passed_on));
        let second = call.in_scope(|| info_span!("other").in_scope(passed_on));
        assert_eq!(first, second);
        assert!(Passing::parse(&HeaderValue::try_from(&first).expect("text")).is_some(), "{first}");
        assert_ne!(first, info_span!("another call").in_scope(passed_on));
    }

    #[test]
    fn what_is_no_trace_is_not_passed_on() {
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(Passing::parse(&HeaderValue::from_static(bad)), None, "{bad}");
        }
    }
}
