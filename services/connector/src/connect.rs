//! Connects accounts: says how somebody shows that one is theirs, looks for it, links the account to them and keeps the
//! access that they gave.
//!
//! What was started is a text that whoever started it keeps (`attempt.rs`), so nothing is kept of what nobody completes.
//! Completing links first, with social-graph, and then writes connection and access in one transaction. Who is killed in
//! between has linked an account that is not connected: it is the person's, which is true, and completing the same once
//! more links nothing and connects it. Only the code of OAuth serves once; the person is then sent to their network again.

mod attempt;
mod find;

use std::sync::Arc;

use http::HeaderValue;
use klout_chassis::{Caller, Clock, Link, reason};
use klout_model::{AccountKey, NativeId, PersonId, Purpose};
use klout_networks::{Account, Method, Network, sign_in};
use klout_proto::{
    convert,
    graph::v1::{
        CompleteLinkRequest, GetPersonRequest, LinkAccountRequest, LinkProvenAccountRequest,
        LinkedAccount, Person, StartLinkRequest, graph_service_client::GraphServiceClient,
    },
    signal::v1::{CompleteConnectionRequest, StartConnectionRequest, StartConnectionResponse},
};
use sqlx::PgPool;
use time::Duration;
use tokio::sync::Notify;
use tonic::Status;
use tracing::instrument;
use url::Url;

use self::attempt::{Attempt, Way};
use crate::{
    access::{
        Access,
        grant::{self, Given},
        kept::{Fresh, Kept, Secret},
        refused,
    },
    connections::{self, Proven},
    error::Error,
    networks::{Networks, takes},
    seal::For,
    store::{self, connection::Connection},
    visit::ask::Answered,
};

/// How long somebody has to come back from their network, or to type a password.
const ATTEMPT_TIME: Duration = Duration::HOUR;

/// In bytes, of what people make on their networks. The longest tokens there are have a tenth of it.
const SECRET_LENGTH_MAX: usize = 16 << 10;

/// What connecting takes.
#[derive(Clone, Debug)]
pub(crate) struct Connecter {
    pub(crate) db: PgPool,
    pub(crate) networks: Networks,
    pub(crate) access: Access,
    pub(crate) graph: Link,
    pub(crate) account_key: AccountKey,
    pub(crate) running: Clock,
    /// Rung when there is something to be asked.
    pub(crate) due: Arc<Notify>,
}

// === impl Connecter ===

impl Connecter {
    /// Says what to do.
    #[instrument(name = "start_connection", skip_all, fields(network = request.network))]
    pub(crate) async fn start(
        &self,
        caller: &Caller,
        request: StartConnectionRequest,
    ) -> Result<StartConnectionResponse, Error> {
        let StartConnectionRequest { person, network, handle, method, redirect_uri } = request;
        let person: PersonId = person.parse().map_err(|_| field("person", "is not a person"))?;
        let built = self.built(&network)?;
        let method = Method::parse(&method)
            .filter(|method| takes(built, *method))
            .ok_or_else(|| field("method", "is none by which this network connects accounts"))?;
        if method == Method::Operator {
            self.operators_alone(caller)?;
        }
        let handle = handle.trim();
        let server = built.server(handle).map_err(|problem| field("handle", problem))?;
        let public = self.networks.public(&network, server.as_deref());
        let public = public.ok_or_else(|| field("handle", "names no server that can be asked"))?;
        // Whoever is hidden from who asks is nobody, before any network hears of it.
        self.person(caller, person).await?;
        let needs_handle = !matches!(method, Method::OAuth | Method::Token);
        let account = match handle {
            "" if needs_handle => return Err(field("handle", "is missing")),
            "" => None,
            handle => Some(self.resolve(built, &public, handle).await?),
        };
        let mut attempt = Attempt {
            person,
            network,
            method: method.as_str().to_owned(),
            expire_time: self.running.now() + ATTEMPT_TIME,
            own: None,
            public,
            account,
            way: Way::Secret,
        };
        let mut told = StartConnectionResponse::default();
        match method {
            Method::OAuth => self.start_oauth(&mut attempt, &redirect_uri, &mut told).await?,
            Method::AppPassword => {
                attempt.own = Some(self.home(&attempt).await?);
                told.instructions = "Make an app password in the settings of the account, and hand it over when you \
                                     complete this. It is not the account's own password."
                    .to_owned();
            }
            Method::Token => {
                attempt.own = Some(attempt.public.clone());
                told.instructions = "Make a token in the settings of the account that may read, and hand it over when \
                                     you complete this."
                    .to_owned();
            }
            Method::Operator => {
                attempt.way = Way::Operator;
                told.instructions = "Complete this; nothing else is to be done.".to_owned();
            }
            Method::Challenge | Method::RelMe => {
                self.start_link(caller, &mut attempt, &mut told).await?;
            }
        }
        told.expire_time = Some(convert::timestamp(attempt.expire_time));
        told.attempt = self.access.keys.seal_text(For::Attempt, &attempt.to_bytes());
        Ok(told)
    }

    async fn start_oauth(
        &self,
        attempt: &mut Attempt,
        redirect_uri: &str,
        told: &mut StartConnectionResponse,
    ) -> Result<(), Error> {
        find::check_redirect(redirect_uri)?;
        let door = sign_in::sign_in(&attempt.network);
        let door = door.ok_or_else(|| field("method", "is none that is built for this network"))?;
        let (own, endpoints) = self.door(door, attempt).await?;
        let application = self.application(door, attempt, redirect_uri).await?;
        let hint = attempt.account.as_ref().and_then(|it| it.handle.as_deref());
        let wire = &self.access.wire;
        let begun =
            grant::begin(wire, endpoints, application, door.scope(), redirect_uri, hint).await;
        let (url, asked) = begun.map_err(Error::network)?;
        told.authorization_url = url.into();
        told.instructions = "Open the address, give access there, and complete this with what the address says that \
                             you are sent back to."
            .to_owned();
        attempt.own = Some(own);
        attempt.way = Way::OAuth(Box::new(asked));
        Ok(())
    }

    async fn start_link(
        &self,
        caller: &Caller,
        attempt: &mut Attempt,
        told: &mut StartConnectionResponse,
    ) -> Result<(), Error> {
        let request = StartLinkRequest {
            person: attempt.person.to_string(),
            account: Some(linked(attempt)?),
            method: attempt.method.clone(),
        };
        let started = self.graph(caller).start_link(request).await.map_err(said)?.into_inner();
        told.challenge = started.challenge;
        told.instructions = started.instructions;
        let until = started.expire_time.as_ref().and_then(convert::time);
        attempt.expire_time = until.unwrap_or(attempt.expire_time);
        attempt.way = Way::Link { link: started.link };
        Ok(())
    }

    /// Looks for what was to be done, and connects.
    #[instrument(name = "complete_connection", skip_all)]
    pub(crate) async fn complete(
        &self,
        caller: &Caller,
        request: CompleteConnectionRequest,
    ) -> Result<Connection, Error> {
        let CompleteConnectionRequest { attempt, code, state, issuer, secret } = request;
        let (code, secret) = (Secret::new(code), Secret::new(secret));
        let opened = self.access.keys.open_text(For::Attempt, &attempt);
        let attempt = opened.and_then(|it| Attempt::parse(&it)).ok_or(Error::AttemptUnknown)?;
        if attempt.expire_time <= self.running.now() {
            return Err(Error::AttemptUnknown);
        }
        let built = self.built(&attempt.network)?;
        let (person, account, fresh) = match &attempt.way {
            Way::Link { link } => {
                let request = CompleteLinkRequest { link: link.clone() };
                let linked = self.graph(caller).complete_link(request).await.map_err(said)?;
                (linked.into_inner().person, known(&attempt)?, None)
            }
            Way::Operator => {
                self.operators_alone(caller)?;
                let account = Some(linked(&attempt)?);
                let request = LinkAccountRequest { person: attempt.person.to_string(), account };
                let linked = self.graph(caller).link_account(request).await.map_err(said)?;
                (linked.into_inner().person, known(&attempt)?, None)
            }
            Way::Secret | Way::OAuth(_) => {
                let given = Given { code, state: &state, issuer: &issuer };
                let (account, fresh) = self.accept(built, &attempt, given, secret).await?;
                let request = LinkProvenAccountRequest {
                    person: attempt.person.to_string(),
                    account: Some(named(&attempt.network, &account)),
                };
                let linked = self.graph(caller).link_proven_account(request).await.map_err(said)?;
                (linked.into_inner().person, account, Some(fresh))
            }
        };
        let person = whose(person, attempt.person);
        self.keep(attempt, person, account, fresh).await
    }

    /// Takes access, and looks whose it is.
    async fn accept(
        &self,
        built: &'static dyn Network,
        attempt: &Attempt,
        given: Given<'_>,
        secret: Secret,
    ) -> Result<(Account, Fresh), Error> {
        let own = attempt.own.as_ref().ok_or(Error::AttemptUnknown)?;
        if let Way::OAuth(asked) = &attempt.way {
            if given.code.expose().is_empty() {
                return Err(field("code", "is missing"));
            }
            let taken = grant::take(&self.access.wire, asked, given).await;
            let (fresh, sub) = taken.map_err(Error::network)?;
            let account = match (asked.endpoints.proven, &attempt.account) {
                // Its identity is what it says of itself, and was looked up before.
                (true, Some(account)) if sub.as_deref() == Some(account.native_id.as_str()) => {
                    account.clone()
                }
                (true, _) => {
                    return Err(Error::network(refused("it is access to another account")));
                }
                (false, _) => self.whose_access(built, attempt, own, &fresh.kept).await?,
            };
            return Ok((account, fresh));
        }
        if secret.expose().is_empty() {
            return Err(field("secret", "is missing"));
        }
        if secret.expose().len() > SECRET_LENGTH_MAX {
            return Err(field("secret", "is longer than 16 KiB"));
        }
        if attempt.method == Method::AppPassword.as_str() {
            let account = known(attempt)?;
            let url = sign_in::create_session_address(own);
            let body = serde_json::json!({
                "identifier": account.native_id, "password": secret.expose(),
            });
            let answered = self.access.wire.post_json(&url, &body).await;
            let answered = answered.map_err(|error| Error::network(error.into()))?;
            let session = sign_in::read_session(&answered.as_answer());
            let session = session.map_err(|error| Error::network(error.into()))?;
            if session.did != account.native_id {
                return Err(Error::network(refused("it is access to another account")));
            }
            return Ok((account, Fresh::of_session(session)));
        }
        let kept = Kept::Token { token: secret };
        let account = self.whose_access(built, attempt, own, &kept).await?;
        Ok((account, Fresh { kept, expire_time: None }))
    }

    /// Asks the network whose access it is. Where an account was named at the start it has to be that one.
    async fn whose_access(
        &self,
        built: &'static dyn Network,
        attempt: &Attempt,
        own: &Url,
        kept: &Kept,
    ) -> Result<Account, Error> {
        let door = sign_in::sign_in(&attempt.network);
        let door = door.ok_or_else(|| field("method", "is none that is built for this network"))?;
        let token = match kept {
            Kept::Token { token } => token,
            Kept::Session { access, .. } => access,
            Kept::Grant(grant) => &grant.access,
        };
        let ask = door.whoami(own);
        let mut request = http::Request::new(Vec::new());
        *request.uri_mut() = ask.url.as_str().parse().unwrap_or_default();
        for (name, value) in &ask.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                request.headers_mut().insert(*name, value);
            }
        }
        let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
        let mut value = value.map_err(|_| field("secret", "is no token"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(http::header::AUTHORIZATION, value);
        let answered: Answered =
            self.access.wire.send(&request).await.map_err(|error| Error::network(error.into()))?;
        let named = attempt.account.as_ref().and_then(|it| it.handle.as_deref());
        let handle = door
            .read_whoami(named, &answered.as_answer())
            .map_err(|error| Error::network(error.into()))?;
        let account = self.resolve(built, &attempt.public, &handle).await?;
        match &attempt.account {
            Some(meant) if meant.native_id != account.native_id => {
                Err(Error::network(refused("it is access to another account")))
            }
            Some(_) | None => Ok(account),
        }
    }

    /// Writes connection and access.
    async fn keep(
        &self,
        attempt: Attempt,
        person: PersonId,
        account: Account,
        fresh: Option<Fresh>,
    ) -> Result<Connection, Error> {
        let store = Error::store;
        let Attempt { network, method, public, own, .. } = attempt;
        let native_id: NativeId = account
            .native_id
            .parse()
            .map_err(|_| field("handle", "is an account without an id"))?;
        let proven = Proven {
            person,
            network: network.parse().map_err(|_| field("network", "is no network"))?,
            native_id,
            handle: account.handle,
            public,
            own: own.filter(|_| fresh.is_some()),
            method: Method::parse(&method).ok_or(Error::AttemptUnknown)?,
        };
        let mut transaction = self.db.begin().await.map_err(store("begin to connect"))?;
        // Whoever leaves now waits for this, and then ends it; or has left, and is seen to have.
        store::connection::lock_people(&mut transaction, &[person.get()])
            .await
            .map_err(store("keep a person from leaving"))?;
        let known = store::person_state::known(&mut *transaction, &[person.get()]).await;
        let known = known.map_err(store("look whether a person is there"))?;
        if known.iter().any(crate::forgetting::has_left) {
            return Err(Error::PersonUnknown { person });
        }
        let now = self.running.now();
        let id = connections::open(&mut transaction, &self.account_key, &proven, now).await?;
        match fresh {
            Some(Fresh { kept, expire_time }) => {
                let sealed = self.access.seal(id, &kept);
                store::credential::write(&mut transaction, id, &sealed, expire_time).await
            }
            None => store::credential::remove(&mut transaction, id).await,
        }
        .map_err(store("keep access"))?;
        let connection = store::connection::read(&mut *transaction, id).await;
        let connection = connection.map_err(store("read a connection"))?;
        transaction.commit().await.map_err(store("commit a connection"))?;
        self.due.notify_waiters();
        connection.ok_or_else(|| Error::ConnectionUnknown { connection: id.to_string() })
    }

    fn built(&self, network: &str) -> Result<&'static dyn Network, Error> {
        if let Some(built) = self.networks.get(network) {
            return Ok(built);
        }
        match klout_networks::catalogue().iter().any(|it| it.network == network) {
            true => Err(Error::NetworkNotBuilt { network: network.to_owned() }),
            false => Err(field("network", "is none of ListNetworks")),
        }
    }

    fn operators_alone(&self, caller: &Caller) -> Result<(), Error> {
        match caller.purpose() {
            Purpose::Operator | Purpose::Internal => Ok(()),
            Purpose::Show | Purpose::Crm | Purpose::Perks | Purpose::Research => {
                Err(field("method", "is for operators alone"))
            }
        }
    }

    async fn person(&self, caller: &Caller, person: PersonId) -> Result<(), Error> {
        let request = GetPersonRequest { person: person.to_string() };
        self.graph(caller).get_person(request).await.map_err(said)?;
        Ok(())
    }

    fn graph(&self, caller: &Caller) -> GraphServiceClient<Link> {
        GraphServiceClient::new(self.graph.clone().on_behalf_of(caller))
    }
}

/// The account, as social-graph is told.
fn named(network: &str, account: &Account) -> LinkedAccount {
    LinkedAccount {
        network: network.to_owned(),
        native_id: account.native_id.clone(),
        handle: account.handle.clone().unwrap_or_default(),
        ..LinkedAccount::default()
    }
}

fn known(attempt: &Attempt) -> Result<Account, Error> {
    attempt.account.clone().ok_or(Error::AttemptUnknown)
}

fn linked(attempt: &Attempt) -> Result<LinkedAccount, Error> {
    known(attempt).map(|account| named(&attempt.network, &account))
}

/// Who was merged meanwhile is who stayed.
fn whose(person: Option<Person>, asked: PersonId) -> PersonId {
    person.and_then(|it| it.person.parse().ok()).unwrap_or(asked)
}

/// What social-graph says that is about what the caller asked stays in its words.
fn said(status: Status) -> Error {
    match reason(&status).as_deref() {
        Some("LINK_UNKNOWN") => Error::AttemptUnknown,
        Some(
            "PERSON_UNKNOWN" | "PROOF_MISSING" | "ACCOUNT_DISPUTED" | "ACCOUNT_LINKED"
            | "ACCOUNTS_TOO_MANY" | "FIELD_INVALID" | "PAGE_UNAVAILABLE",
        ) => Error::Said(status),
        Some(_) | None => Error::Peer(status),
    }
}

fn field(field: &'static str, problem: &'static str) -> Error {
    Error::FieldInvalid { field, problem }
}
