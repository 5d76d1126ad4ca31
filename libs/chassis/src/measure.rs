//! Counts and times every call.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use klout_proto::json::DESCRIPTORS;
use klout_telemetry::{Gauge, Histogram, Label, Metric};
use rustc_hash::FxHashMap;
use tonic::Code;
use tracing::debug;

pub(crate) const CALL_DURATION: Metric = Metric::duration(
    "rpc_server_call_duration_seconds",
    "How long a call took, of a streamed answer until it began; CANCELLED when its caller hung up.",
)
.by(&[METHOD, Label::these("rpc_status_code", &CODES)]);

pub(crate) const CALLS_IN_FLIGHT: Metric =
    Metric::gauge("rpc_server_calls_in_flight", "Calls that are being answered right now.")
        .by(&[METHOD]);

const METHOD: Label =
    Label::all_of("rpc_method", "`package.Service/Method`; `_OTHER`: no such one");

/// By the number of the code.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Every method that there is, by its path.
#[derive(Debug)]
pub(crate) struct Methods {
    by_path: FxHashMap<String, Arc<Method>>,
    other: Arc<Method>,
}

#[derive(Debug)]
struct Method {
    /// Without the slash that its path starts with.
    name: &'static str,
    in_flight: Gauge,
    /// By the number of the code; made when a call first ends so.
    durations: [OnceLock<Histogram>; CODES.len()],
}

/// A call that is being answered.
#[derive(Debug)]
pub(crate) struct InFlight {
    method: Arc<Method>,
    started: Instant,
    code: Code,
}

// === impl Methods ===

impl Methods {
    /// Has to be made after telemetry was set up.
    pub(crate) fn all() -> Self {
        let methods = DESCRIPTORS.services().flat_map(|service| {
            let names =
                service.methods().map(|it| format!("{}/{}", service.full_name(), it.name()));
            names.collect::<Vec<_>>()
        });
        // As many as there are RPCs, once for each stack of layers: they may stay for ever.
        let methods = methods.map(|name| (format!("/{name}"), Arc::new(Method::new(name.leak()))));
        Self { by_path: methods.collect(), other: Arc::new(Method::new("_OTHER")) }
    }

    /// Counts a call of the method at `path` until it is dropped.
    pub(crate) fn begin(&self, path: &str) -> InFlight {
        InFlight::start(self.at(path))
    }

    /// Counts a call of the method at `path` that was answered while nobody could look.
    pub(crate) fn answered(&self, path: &str, took: Duration) {
        self.named(path).duration(Code::Ok).record(took);
    }

    fn at(&self, path: &str) -> Arc<Method> {
        Arc::clone(self.named(path))
    }

    fn named(&self, path: &str) -> &Arc<Method> {
        self.by_path.get(path).unwrap_or(&self.other)
    }
}

// === impl Method ===

impl Method {
    fn new(name: &'static str) -> Self {
        let in_flight = CALLS_IN_FLIGHT.level(&[name]);
        Self { name, in_flight, durations: std::array::from_fn(|_| OnceLock::new()) }
    }

    fn duration(&self, code: Code) -> &Histogram {
        let code = i32::from(code).unsigned_abs() as usize;
        self.durations[code].get_or_init(|| CALL_DURATION.time(&[self.name, CODES[code]]))
    }
}

// === impl InFlight ===

impl InFlight {
    fn start(method: Arc<Method>) -> Self {
        method.in_flight.increment(1);
        // Stays so if nobody waits for the end.
        Self { method, started: Instant::now(), code: Code::Cancelled }
    }

    pub(crate) const fn end(&mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        self.method.in_flight.decrement(1);
        self.method.duration(self.code).record(took);
        debug!(rpc.method = self.method.name, code = ?self.code, ?took, "call ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_codes_stand_at_their_numbers() {
        for (number, name) in (0..).zip(CODES) {
            let code = Code::from_i32(number);
            assert_eq!(i32::from(code), number);
            let told = format!("{code:?}").to_uppercase();
            assert_eq!(name.replace('_', ""), told);
        }
    }

    #[test]
    fn every_method_of_the_contracts_is_known_and_the_rest_is_one() {
        let methods = Methods::all();
        let known = methods.at("/klout.score.v1.ScoreService/GetScore");
        assert_eq!(known.name, "klout.score.v1.ScoreService/GetScore");
        assert_eq!(methods.at("/klout.score.v1.ScoreService/Guess").name, "_OTHER");
        assert_eq!(methods.at("/").name, "_OTHER");
    }

    #[test]
    fn a_call_ends_with_the_code_of_its_answer_and_else_as_cancelled() {
        let methods = Methods::all();
        let used = |code| methods.other.durations[code as usize].get().is_some();
        methods.begin("/nothing").end(Code::ResourceExhausted);
        assert!(used(Code::ResourceExhausted) && !used(Code::Cancelled) && !used(Code::Ok));
        drop(methods.begin("/nothing"));
        assert!(used(Code::Cancelled), "nobody waited for the end");
    }
}
