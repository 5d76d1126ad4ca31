//! The access that people gave to their accounts.

use http::{HeaderName, HeaderValue};
use klout_networks::{Ask, Trouble};

use crate::{store::connection::Connection, visit::ask::Answered};

/// Puts access into requests, and gets new access when it has expired.
#[derive(Clone, Debug)]
pub(crate) struct Access {}

// === impl Access ===

impl Access {
    /// What goes with a request about a connection, so that its network lets us in.
    #[expect(clippy::unused_async, reason = "access is kept in the database")]
    pub(crate) async fn headers(
        &self,
        _connection: &Connection,
        _ask: &Ask,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Trouble> {
        Ok(Vec::new())
    }

    /// Notes what an answer says for the next request.
    #[expect(clippy::unused_async, reason = "access is kept in the database")]
    pub(crate) async fn heard(&self, _connection: &Connection, _ask: &Ask, _answered: &Answered) {}

    /// Gets new access. Whoever else finds the same access expired waits for this one.
    #[expect(clippy::unused_async, reason = "networks are asked for it")]
    pub(crate) async fn renew(&self, _connection: &Connection) -> Result<(), Trouble> {
        Err(Trouble::AccessRefused { message: "the account gave no access".to_owned() })
    }
}
