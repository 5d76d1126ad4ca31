//! Calls within a process that pass no gRPC.
//!
//! What is asked again and again is answered to others of this process by a function from one message to another. On its
//! way such a call passes what every call does: it is counted and timed, has a span, room, an end and a caller. Left out
//! is what would carry it: frames, headers, and the texts that these have of all that.

use std::{any::Any, fmt};

use futures::{FutureExt as _, future::BoxFuture};
use prost::{Message, bytes::Bytes};
use rustc_hash::FxHashMap;
use tonic::Status;

use crate::{Caller, faults};

/// RPCs that services answer to others of their process so, by their paths. What is not among them is asked by gRPC.
#[derive(Default)]
pub struct Shortcuts {
    answers: FxHashMap<&'static str, Box<Shortcut>>,
    remembered: FxHashMap<&'static str, Box<Remembered>>,
}

/// From the bytes of a request to those of its answer, as gRPC has them in its frames.
pub(crate) type Shortcut =
    dyn Fn(Caller, Bytes) -> BoxFuture<'static, Result<Bytes, Status>> + Send + Sync;

/// From a request to the bytes of what memory has of its answer.
pub(crate) type Remembered = dyn Fn(&Caller, &dyn Any) -> Option<Bytes> + Send + Sync;

// === impl Shortcuts ===

impl Shortcuts {
    /// Has `answer` answer what is asked at `path`, such as `/klout.score.v1.ScoreService/GetScore`, with the message of
    /// that RPC as it is on the wire. `Q`: its request, or what is the same on the wire.
    pub fn add<Q, F>(
        &mut self,
        path: &'static str,
        answer: impl Fn(Caller, Q) -> F + Send + Sync + 'static,
    ) where
        Q: Message + Default,
        F: Future<Output = Result<Bytes, Status>> + Send + 'static,
    {
        let answer = move |caller: Caller, request: Bytes| {
            let answered = Q::decode(request).map(|request| answer(caller, request));
            async move { answered.map_err(|_| faults::malformed())?.await }.boxed()
        };
        self.answers.insert(path, Box::new(answer));
    }

    /// Has `answer` say what memory has of what is asked at `path`, as it is on the wire, without waiting for anybody.
    /// `None`, also for a request that is wrong: it is asked as any other, and this one counts as never made. Only who
    /// asks with a `Q` itself is answered so, not with what is the same on the wire.
    pub fn add_remembered<Q: Message + 'static>(
        &mut self,
        path: &'static str,
        answer: impl Fn(&Caller, &Q) -> Option<Bytes> + Send + Sync + 'static,
    ) {
        let answer = move |caller: &Caller, request: &dyn Any| {
            request.downcast_ref().and_then(|request| answer(caller, request))
        };
        self.remembered.insert(path, Box::new(answer));
    }

    pub(crate) fn at(&self, path: &str) -> Option<&Shortcut> {
        self.answers.get(path).map(Box::as_ref)
    }

    pub(crate) fn remembered_at(&self, path: &str) -> Option<&Remembered> {
        self.remembered.get(path).map(Box::as_ref)
    }
}

impl fmt::Debug for Shortcuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.answers.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use tonic::{Code, service::Routes};
    use tonic_health::pb::{
        HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    };
    use tower::Layer as _;

    use super::*;
    use crate::{
        Authentication, CallLimits, Guard, Identity, Link, Switchboard, TokenKey, reason, time_left,
    };

    const TIME_MAX: Duration = Duration::from_secs(10);

    /// Says for whom it is asked, and how long that may take.
    const WHO: &str = "/test.Test/Who";

    const PANICS: &str = "/test.Test/Panic";
    const FAILS: &str = "/test.Test/Fail";
    const NEVER: &str = "/test.Test/Never";

    /// Is remembered of whoever is named, and of nobody else.
    const KNOWN: &str = "/klout.score.v1.ScoreService/GetScore";

    /// What is answered by gRPC alone.
    const HEALTH: &str = "/grpc.health.v1.Health/Check";

    /// A link to a process that answers these.
    async fn link() -> Link {
        let mut shortcuts = Shortcuts::default();
        shortcuts.add(WHO, |caller: Caller, _: HealthCheckRequest| async move {
            let time = time_left().unwrap_or_default();
            let service = format!("{} {}", caller.name(), time.as_secs());
            Ok(HealthCheckRequest { service }.encode_to_vec().into())
        });
        shortcuts.add(PANICS, |_: Caller, request: HealthCheckRequest| async move {
            assert!(!request.service.is_empty(), "it is empty");
            Ok(request.encode_to_vec().into())
        });
        shortcuts.add(FAILS, |_: Caller, _: HealthCheckRequest| async {
            Err(Status::unknown("the table secret is gone"))
        });
        shortcuts.add(NEVER, |_: Caller, request: HealthCheckRequest| async move {
            pending::<()>().await;
            Ok(request.encode_to_vec().into())
        });
        shortcuts.add_remembered(KNOWN, |caller: &Caller, request: &HealthCheckRequest| {
            let service = format!("{} of {}", request.service, caller.name());
            let answer = HealthCheckRequest { service }.encode_to_vec();
            (!request.service.is_empty()).then(|| answer.into())
        });
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
        let key = TokenKey::new(b"a secret that nobody else knows of");
        let authentication = Authentication::new(key.clone(), false, 1, 1);
        let limits = CallLimits {
            request_time_max: TIME_MAX,
            stream_time_max: TIME_MAX,
            streaming: Vec::new(),
        };
        let routes = Routes::new(health).prepare().into_axum_router();
        let switchboard = Switchboard::default();
        switchboard.connect(Guard::new(authentication, limits, shortcuts).layer(routes));
        Link::local(switchboard, Identity::new("test", key))
    }

    async fn ask(link: Link, path: &'static str) -> Result<String, Status> {
        let answer: HealthCheckRequest = link.ask(path, HealthCheckRequest::default()).await?;
        Ok(answer.service)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_is_for_whom_it_is_made_and_has_its_time() {
        let link = link().await;
        assert_eq!(ask(link.clone(), WHO).await.expect("answered"), "klout 10");
        let crm = Caller::new("acme", "crm").expect("a caller");
        let answered = ask(link.clone().on_behalf_of(&crm), WHO).await;
        assert_eq!(answered.expect("answered"), "acme 10");
        let ended = ask(link, NEVER).await.expect_err("it never ends");
        assert_eq!(reason(&ended).as_deref(), Some("DEADLINE_EXCEEDED"));
    }

    #[tokio::test]
    async fn a_bug_fails_one_call_and_a_fault_is_not_described() {
        let link = link().await;
        for (path, told) in [(PANICS, "PANICKED"), (FAILS, "FAULT")] {
            let status = ask(link.clone(), path).await.expect_err("it fails");
            assert_eq!((status.code(), reason(&status).as_deref()), (Code::Internal, Some(told)));
            assert!(!format!("{status:?}").contains("secret"), "{status:?}");
        }
        // There is room for one call at a time, also after those.
        ask(link, WHO).await.expect("answered");
    }

    #[tokio::test]
    async fn what_memory_has_is_answered_without_a_wait_and_takes_its_room() {
        let link = link().await;
        let crm = Caller::new("acme", "crm").expect("a caller");
        let ask = |path, service: &str| {
            let request = HealthCheckRequest { service: service.to_owned() };
            let answer: Option<HealthCheckRequest> = link.ask_at_once(&crm, path, &request);
            answer.map(|it| it.service)
        };
        assert_eq!(ask(KNOWN, "ann").as_deref(), Some("ann of acme"));
        assert_eq!(ask(KNOWN, ""), None, "nobody is remembered");
        assert_eq!(ask(WHO, "ann"), None, "it may have to wait");
        // There is room for one call at a time, which somebody has.
        let never = link.clone().ask::<_, HealthCheckRequest>(NEVER, HealthCheckRequest::default());
        let mut never = Box::pin(never);
        assert!((&mut never).now_or_never().is_none());
        assert_eq!(ask(KNOWN, "ann"), None);
        drop(never);
        assert_eq!(ask(KNOWN, "ann").as_deref(), Some("ann of acme"));
    }

    #[tokio::test]
    async fn what_has_no_shortcut_is_asked_by_grpc() {
        let asked = link().await.ask(HEALTH, HealthCheckRequest::default()).await;
        let answer: HealthCheckResponse = asked.expect("answered");
        assert_eq!(answer.status(), ServingStatus::Serving);
    }
}
