//! The one place where callers are told apart and let in: over REST and over gRPC, each call once.

use http::HeaderMap;
use klout_chassis::{Admitted, Authentication, Caller};
use tonic::Status;

use crate::access::{self, Access};

/// Clones share the room there is.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    authentication: Authentication,
}

/// Somebody who was let in, and for whose call there is room until this is dropped.
#[derive(Debug)]
pub(crate) struct Visitor {
    admitted: Admitted,
}

/// Somebody who was not.
#[derive(Debug)]
pub(crate) enum TurnedAway {
    /// What they asked for is there for operators alone: nobody else hears that there is such a thing.
    NotThere,
    /// For another reason, which they are told.
    Refused(Status),
}

// === impl Door ===

impl Door {
    pub(crate) const fn new(authentication: Authentication) -> Self {
        Self { authentication }
    }

    /// Lets a call in that shows what it takes, in `authorization` or `x-api-key`.
    #[expect(clippy::unused_async, reason = "a key of a customer may have to be read first")]
    pub(crate) async fn admit(
        &self,
        headers: &HeaderMap,
        access: Access,
    ) -> Result<Visitor, TurnedAway> {
        Visitor::enter(self.authentication.admit(headers)?, access)
    }
}

// === impl Visitor ===

impl Visitor {
    fn enter(admitted: Admitted, access: Access) -> Result<Self, TurnedAway> {
        if !access.is_there_for(&admitted.caller) {
            return Err(TurnedAway::NotThere);
        }
        access.refuse_other_purpose(&admitted.caller).map_err(Status::from)?;
        Ok(Self { admitted })
    }

    /// Who calls, and what for.
    pub(crate) const fn caller(&self) -> &Caller {
        &self.admitted.caller
    }

    /// Whether they showed an operator's key, or need none.
    pub(crate) fn is_operator(&self) -> bool {
        access::is_operator(self.caller())
    }
}

// === impl TurnedAway ===

impl TurnedAway {
    /// What the caller is told; `not_there` is what anybody hears of what does not exist.
    pub(crate) fn into_status(self, not_there: impl FnOnce() -> Status) -> Status {
        match self {
            Self::NotThere => not_there(),
            Self::Refused(status) => status,
        }
    }
}

impl From<Status> for TurnedAway {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}
