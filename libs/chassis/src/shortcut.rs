//! Calls within a process that pass no gRPC.
//!
//! What is asked again and again is answered to others of this process by a function from one message to another. On its
//! way such a call passes what every call does: it is counted and timed, has a span, room, an end and a caller. Left out
//! is what would carry it: frames, headers, and the texts that these have of all that.

use std::fmt;

use futures::{FutureExt as _, future::BoxFuture};
use prost::{Message, bytes::Bytes};
use rustc_hash::FxHashMap;
use tonic::Status;

use crate::{Caller, faults};

/// RPCs that services answer to others of their process so, by their paths. What is not among them is asked by gRPC.
#[derive(Default)]
pub struct Shortcuts(FxHashMap<&'static str, Box<Shortcut>>);

/// From the bytes of a request to those of its answer, as gRPC has them in its frames.
pub(crate) type Shortcut =
    dyn Fn(Caller, Bytes) -> BoxFuture<'static, Result<Bytes, Status>> + Send + Sync;

// === impl Shortcuts ===

impl Shortcuts {
    /// Has `answer` answer what is asked at `path`, such as `/klout.score.v1.ScoreService/GetScore`, with the messages of
    /// that RPC or such as are the same on the wire.
    pub fn add<Q, A, F>(
        &mut self,
        path: &'static str,
        answer: impl Fn(Caller, Q) -> F + Send + Sync + 'static,
    ) where
        Q: Message + Default,
        A: Message,
        F: Future<Output = Result<A, Status>> + Send + 'static,
    {
        let answer = move |caller: Caller, request: Bytes| {
            let answered = Q::decode(request).map(|request| answer(caller, request));
            async move {
                let answer = answered.map_err(|_| faults::malformed())?.await?;
                Ok(Bytes::from(answer.encode_to_vec()))
            }
            .boxed()
        };
        self.0.insert(path, Box::new(answer));
    }

    pub(crate) fn at(&self, path: &str) -> Option<&Shortcut> {
        self.0.get(path).map(Box::as_ref)
    }
}

impl fmt::Debug for Shortcuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
