//! The one place where callers are told apart and let in: over REST and over gRPC, each call once.

use std::sync::Arc;

use http::HeaderMap;
use klout_chassis::{Admitted, Authentication, Caller, Clock, Identified, shown_token};
use tonic::Status;

use crate::{
    access::{self, Access, Scopes},
    error::Error,
    issuers::{Bearer, Issuers},
    keys::{Keys, Known, is_key},
    limits::Limits,
};

/// Clones share the room there is, and the keys that are known.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    authentication: Authentication,
    keys: Keys,
    issuers: Issuers,
    limits: Limits,
}

/// Somebody who was let in, and for whose call there is room until this is dropped.
#[derive(Debug)]
pub(crate) struct Visitor {
    admitted: Admitted,
    /// `None`: somebody with a service token, or who needs none.
    customer: Option<Customer>,
}

/// Somebody whose key or token is valid at the gateway alone, for what its scopes say.
#[derive(Clone, Debug)]
enum Customer {
    Key(Arc<Known>),
    Bearer(Arc<Bearer>),
}

/// What a customer may use up, over all gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance<'a> {
    /// Whose: the id of a key, or the issuer of a token and whom it names.
    pub(crate) of: &'a str,
    /// Calls a second; 0: no limit.
    pub(crate) calls_per_second: i64,
    /// Calls a UTC day; 0: no limit.
    pub(crate) calls_per_day: i64,
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
    pub(crate) const fn new(
        authentication: Authentication,
        keys: Keys,
        issuers: Issuers,
        limits: Limits,
    ) -> Self {
        Self { authentication, keys, issuers, limits }
    }

    /// Lets a call in that shows what it takes, in `authorization` or `x-api-key`: a key of a customer, a token of an
    /// issuer, or a service token.
    pub(crate) async fn admit(
        &self,
        headers: &HeaderMap,
        access: Access,
    ) -> Result<Visitor, TurnedAway> {
        let customer = match shown_token(headers) {
            Some(text) => self.customer(text).await?,
            None => None,
        };
        match customer {
            Some(customer) => self.admit_customer(customer, access).await,
            None => Visitor::enter(self.authentication.admit(headers)?, access, None),
        }
    }

    /// The same of a customer where memory knows all that it takes. `None`: nothing was counted, and
    /// [`admit`](Self::admit) lets them in or tells why not.
    pub(crate) fn admit_at_once(&self, headers: &HeaderMap, access: Access) -> Option<Visitor> {
        let text = shown_token(headers)?;
        let now = Clock::running().now();
        let customer = match is_key(text) {
            true => Customer::Key(self.keys.who_at_once(text, now)?),
            false => Customer::Bearer(self.issuers.who_at_once(text)?),
        };
        let visitor = self.enter_customer(customer, access).ok()?;
        if let Some(Allowance { of, calls_per_second, calls_per_day }) = visitor.allowance() {
            let (a_second, a_day) = (limit(calls_per_second), limit(calls_per_day));
            self.limits.take_at_once(of, a_second, a_day, now).then_some(())?;
        }
        visitor.count();
        Some(visitor)
    }

    /// The same of a call that shows it elsewhere, as the old API has it in the address.
    pub(crate) async fn admit_text(
        &self,
        text: Option<&str>,
        access: Access,
    ) -> Result<Visitor, TurnedAway> {
        let Some(text) = text else {
            return Visitor::enter(self.authentication.admit_anyone()?, access, None);
        };
        match self.customer(text).await? {
            Some(customer) => self.admit_customer(customer, access).await,
            None => Visitor::enter(self.authentication.admit_token(text)?, access, None),
        }
    }

    /// `None`: it is nothing but a service token.
    async fn customer(&self, text: &str) -> Result<Option<Customer>, Error> {
        if is_key(text) {
            return self.keys.who(text).await.map(Customer::Key).map(Some);
        }
        Ok(self.issuers.who(text).await?.map(Customer::Bearer))
    }

    async fn admit_customer(
        &self,
        customer: Customer,
        access: Access,
    ) -> Result<Visitor, TurnedAway> {
        let visitor = self.enter_customer(customer, access)?;
        if let Some(Allowance { of, calls_per_second, calls_per_day }) = visitor.allowance() {
            let (a_second, a_day) = (limit(calls_per_second), limit(calls_per_day));
            let taken = self.limits.take(of, a_second, a_day, Clock::running().now()).await;
            taken.map_err(Error::LimitReached)?;
        }
        visitor.count();
        Ok(visitor)
    }

    /// Finds room for a customer, of whom nothing is counted yet.
    fn enter_customer(&self, customer: Customer, access: Access) -> Result<Visitor, TurnedAway> {
        access.refuse_other_scopes(customer.scopes())?;
        let admitted = self.authentication.admit_identified(customer.who()?)?;
        Visitor::enter(admitted, access, Some(customer))
    }
}

/// A limit as keys have it; 0: none.
fn limit(calls: i64) -> u64 {
    u64::try_from(calls).unwrap_or(0)
}

// === impl Visitor ===

impl Visitor {
    fn enter(
        admitted: Admitted,
        access: Access,
        customer: Option<Customer>,
    ) -> Result<Self, TurnedAway> {
        if !access.is_there_for(&admitted.caller) {
            return Err(TurnedAway::NotThere);
        }
        access.refuse_other_purpose(&admitted.caller)?;
        Ok(Self { admitted, customer })
    }

    /// Who calls, and what for.
    pub(crate) const fn caller(&self) -> &Caller {
        &self.admitted.caller
    }

    /// Whether they showed an operator's key, or need none.
    pub(crate) fn is_operator(&self) -> bool {
        access::is_operator(self.caller())
    }

    /// Counts the call with the others of its key.
    fn count(&self) {
        if let Some(Customer::Key(key)) = &self.customer {
            key.count();
        }
    }

    /// What they may use up; `None`: service tokens have no limit.
    pub(crate) fn allowance(&self) -> Option<Allowance<'_>> {
        self.customer.as_ref().map(Customer::allowance)
    }
}

// === impl Customer ===

impl Customer {
    fn scopes(&self) -> Scopes {
        match self {
            Self::Key(known) => known.scopes,
            Self::Bearer(bearer) => bearer.scopes,
        }
    }

    fn who(&self) -> Result<&Identified, Error> {
        match self {
            Self::Key(known) => known.who(),
            Self::Bearer(bearer) => Ok(&bearer.who),
        }
    }

    fn allowance(&self) -> Allowance<'_> {
        match self {
            Self::Key(known) => Allowance {
                of: known.key(),
                calls_per_second: known.calls_per_second(),
                calls_per_day: known.calls_per_day(),
            },
            Self::Bearer(bearer) => Allowance {
                of: &bearer.name,
                calls_per_second: bearer.calls_per_second,
                calls_per_day: bearer.calls_per_day,
            },
        }
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

impl From<Error> for TurnedAway {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}
