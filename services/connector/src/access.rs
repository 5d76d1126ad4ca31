//! The access that people gave to their accounts.
//!
//! It is kept sealed (`seal.rs`), is lent to requests to the account's own server and to nobody else, and is renewed by one
//! replica at a time: whoever finds it expired takes a turn that is written beside it, or waits for who has it. What a
//! server gave is written over what was read alone, so that nothing is lost that somebody gave meanwhile. A process that
//! dies between the server's answer and our writing loses an access that is given once; the person connects again.

pub(crate) mod grant;
pub(crate) mod kept;
mod proof;
pub(crate) mod wire;

use std::time::Duration;

use http::{HeaderName, HeaderValue, header::AUTHORIZATION};
use klout_chassis::Clock;
use klout_networks::{Ask, Server, Trouble, sign_in};
use klout_outbound::Outbound;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tracing::{debug, instrument};
use url::Url;

use self::{
    kept::{Fresh, Kept},
    proof::{DPOP, ProofKey},
    wire::{Nonces, Wire},
};
use crate::{
    error::Error,
    seal::{For, Keys, Sealed},
    store::{self, connection::Connection, credential::Credential},
    visit::{ask::Answered, verdict::Problem},
};

/// Access that runs out before a request has arrived is of no use.
const EXPIRY_MARGIN: Duration = Duration::from_secs(30);

/// How long whoever renews access has: longer than two requests may take.
const TURN_TIME: Duration = Duration::from_secs(90);

/// How often it is looked whether who has the turn is done.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Puts access into requests, and gets new access when it has expired.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) db: PgPool,
    pub(crate) keys: Keys,
    pub(crate) wire: Wire,
    pub(crate) running: Clock,
}

/// Access that goes with a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lent {
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Which access it was: what has been renewed since is not renewed once more.
    pub(crate) mark: Option<Mark>,
}

/// Tells one access to an account from the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark(Vec<u8>);

/// Whether the account has given other access since this one was lent.
pub(crate) async fn is_replaced(
    db: &mut PgConnection,
    account: i64,
    lent: Option<&Mark>,
) -> Result<bool, Error> {
    let Some(lent) = lent else { return Ok(false) };
    let found = store::credential::read(db, account).await;
    let found = found.map_err(Error::store("read access"))?;
    Ok(found.is_some_and(|found| *lent != Mark::of(&found)))
}

// === impl Access ===

impl Access {
    /// `plain_allowed`: whether secrets go over HTTP without TLS, too.
    pub(crate) fn new(
        db: PgPool,
        keys: Keys,
        outbound: Outbound,
        running: Clock,
        plain_allowed: bool,
    ) -> Self {
        let nonces = Nonces::default();
        let wire = Wire { outbound, running: running.clone(), plain_allowed, nonces };
        Self { db, keys, wire, running }
    }

    /// What goes with a request about a connection, so that its network lets us in. Nobody but the account's own server
    /// gets it, whatever is asked.
    pub(crate) async fn headers(
        &self,
        connection: &Connection,
        ask: &Ask,
    ) -> Result<Lent, Problem> {
        let needed = match ask.server {
            Server::Public => return Ok(Lent::default()),
            Server::Own => true,
            Server::Either => false,
        };
        let none = || match needed {
            true => Err(refused("the account gave no access")),
            false => Ok(Lent::default()),
        };
        let own = connection.own_url.as_deref().and_then(|own| Url::parse(own).ok());
        if own.is_none_or(|own| own.origin() != ask.url.origin()) || !self.wire.may_tell(&ask.url) {
            return none();
        }
        let Some(found) = self.read(connection.account_id).await? else { return none() };
        let now = self.running.now();
        if runs_out(&found, now) {
            // It is renewed where nobody who stops the process cuts that short: what a server gives once would be lost.
            return Err(Trouble::AccessExpired.into());
        }
        let headers = self.lend(&self.open(&found)?, ask, now)?;
        Ok(Lent { headers, mark: Some(Mark::of(&found)) })
    }

    fn lend(
        &self,
        kept: &Kept,
        ask: &Ask,
        now: OffsetDateTime,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
        let (scheme, token) = match kept {
            Kept::Token { token } => ("Bearer", token),
            Kept::Session { access, .. } => ("Bearer", access),
            Kept::Grant(grant) => match &grant.proof_key {
                Some(_) => ("DPoP", &grant.access),
                None => ("Bearer", &grant.access),
            },
        };
        let value = HeaderValue::from_str(&format!("{scheme} {}", token.expose()));
        let mut value = value.map_err(|_| refused("the access cannot be shown"))?;
        value.set_sensitive(true);
        let mut headers = vec![(AUTHORIZATION, value)];
        if let Kept::Grant(grant) = kept
            && let Some(key) = &grant.proof_key
        {
            let key = ProofKey::of(key).ok_or_else(|| refused("the key of the access is none"))?;
            let nonce = self.wire.nonces.of(&ask.url);
            let proof = key.proof("GET", &ask.url, nonce.as_deref(), Some(&grant.access), now);
            headers.push((DPOP, proof));
        }
        Ok(headers)
    }

    /// Notes what an answer says for the next request. Returns whether the same is asked once more with it.
    pub(crate) fn heard(&self, lent: &Lent, ask: &Ask, answered: &Answered) -> bool {
        let proven = lent.headers.iter().any(|(name, _)| *name == DPOP);
        proven && self.wire.nonces.heard(&ask.url, answered)
    }

    /// Gets new access in place of the one that was lent. Whoever else finds the same access expired waits for this one.
    #[instrument(name = "renew_access", skip_all)]
    pub(crate) async fn renew(
        &self,
        connection: &Connection,
        lent: Option<&Mark>,
    ) -> Result<(), Problem> {
        let gone = || refused("the account gave no access");
        let account = connection.account_id;
        let found = self.read(account).await?.ok_or_else(gone)?;
        // Without a mark it was not lent because it was about to run out.
        let renewed = match lent {
            Some(mark) => *mark != Mark::of(&found),
            None => !runs_out(&found, self.running.now()),
        };
        if renewed {
            return Ok(());
        }
        let patience = self.running.now() + TURN_TIME;
        loop {
            let now = self.running.now();
            let taken = store::credential::take_turn(&self.db, &found, now, now + TURN_TIME).await;
            if taken.map_err(Error::store("take the turn to renew access"))? {
                break;
            }
            let again = self.read(account).await?.ok_or_else(gone)?;
            if Mark::of(&again) != Mark::of(&found) {
                return Ok(());
            }
            if now > patience {
                // Whoever had the turn died, and so did who had it next.
                return Err(Trouble::Unavailable { status: 0 }.into());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        let fresh = match self.open(&found) {
            Ok(kept) => self.fresh(connection, kept).await,
            Err(problem) => Err(problem),
        };
        match fresh {
            Ok(Fresh { kept, expire_time }) => {
                let sealed = self.keys.seal(For::Account(account), &kept.to_bytes());
                let kept = store::credential::renew(&self.db, &found, &sealed, expire_time).await;
                if !kept.map_err(Error::store("keep new access"))? {
                    debug!("access was given anew while it was renewed");
                }
                Ok(())
            }
            Err(problem) => {
                store::credential::end_turn(&self.db, &found)
                    .await
                    .map_err(Error::store("end the turn to renew access"))?;
                Err(problem)
            }
        }
    }

    async fn fresh(&self, connection: &Connection, kept: Kept) -> Result<Fresh, Problem> {
        match kept {
            Kept::Token { .. } => Err(refused("the network does not take the token any more")),
            Kept::Session { refresh, .. } => {
                let own = connection.own_url.as_deref().and_then(|own| Url::parse(own).ok());
                let own = own.ok_or_else(|| refused("the account has no server of its own"))?;
                let url = sign_in::refresh_session_address(&own);
                let answered = self.wire.post_bearer(&url, &refresh).await?;
                let session = sign_in::read_session(&answered.as_answer())?;
                if session.did != connection.native_id {
                    return Err(refused("the access is to another account"));
                }
                Ok(Fresh::of_session(session))
            }
            Kept::Grant(grant) => grant::refresh(&self.wire, &grant).await,
        }
    }

    /// Seals access, to be written with the connection that it is for.
    pub(crate) fn seal(&self, account: i64, kept: &Kept) -> Sealed {
        self.keys.seal(For::Account(account), &kept.to_bytes())
    }

    async fn read(&self, account: i64) -> Result<Option<Credential>, Problem> {
        let found = store::credential::read(&self.db, account).await;
        Ok(found.map_err(Error::store("read access"))?)
    }

    fn open(&self, found: &Credential) -> Result<Kept, Problem> {
        let opened =
            self.keys.open(For::Account(found.account_id), &found.key_id, &found.sealed)?;
        Kept::parse(&opened)
            .ok_or_else(|| refused("the access is kept as this version does not know"))
    }
}

// === impl Mark ===

impl Mark {
    fn of(found: &Credential) -> Self {
        Self(found.sealed.clone())
    }
}

fn runs_out(found: &Credential, now: OffsetDateTime) -> bool {
    found.expire_time.is_some_and(|end| end <= now + EXPIRY_MARGIN)
}

pub(crate) fn refused(message: &str) -> Problem {
    Trouble::AccessRefused { message: message.to_owned() }.into()
}
