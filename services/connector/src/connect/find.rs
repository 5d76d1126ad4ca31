//! Finds the account that is meant, its server, and who gives access to it.

use klout_networks::{
    Account, Network, Trouble, Visit,
    sign_in::{
        Application as Kind, Door, Endpoints, SignIn, document_address, metadata_address,
        read_document, read_metadata, read_registration, read_resource, registration_address,
        registration_form, resource_address,
    },
};
use url::{Host, Url};

use super::{Attempt, Connecter, field, known};
use crate::{
    access::{grant::Application, kept::Secret, refused},
    error::Error,
    seal::For,
    store,
    visit::{
        ask::{self, Answered},
        verdict::Problem,
    },
};

impl Connecter {
    /// Whose a handle is.
    pub(super) async fn resolve(
        &self,
        network: &'static dyn Network,
        public: &Url,
        handle: &str,
    ) -> Result<Account, Error> {
        let now = self.running.now();
        let visit = Visit {
            account: Account { native_id: String::new(), handle: Some(handle.to_owned()) },
            public: public.clone(),
            own: None,
            mode: klout_networks::Mode::Backfill,
            since: now,
            synced: None,
            now,
        };
        let ask = network.resolve(&visit).map_err(trouble)?;
        if ask.url.origin() != public.origin() {
            return Err(Error::network(ask::Unasked::Elsewhere.into()));
        }
        let answered = ask::send(&self.access.wire.outbound, &ask, &[], None).await;
        let answered = answered.map_err(|error| Error::network(error.into()))?;
        let account = network.resolved(&visit, &answered.as_answer()).map_err(trouble)?;
        // What the network calls it itself goes before what somebody typed.
        let handle = account.handle.or_else(|| Some(handle.to_owned()));
        Ok(Account { handle, ..account })
    }

    /// The server that has the data of an account, as its identity says.
    pub(super) async fn home(&self, attempt: &Attempt) -> Result<Url, Error> {
        let account = known(attempt).map_err(|_| field("handle", "is missing"))?;
        let directory = self.networks.directory(&attempt.network);
        let address = directory.and_then(|it| document_address(&account.native_id, &it));
        let address = address.ok_or_else(|| {
            Error::network(refused("the account has an identity of another kind"))
        })?;
        let answered = self.read(&address).await?;
        let handle = account.handle.as_deref().unwrap_or_default();
        read_document(&account.native_id, handle, &answered.as_answer()).map_err(trouble)
    }

    /// Who gives access to an account: its own server, and where to ask.
    pub(super) async fn door(
        &self,
        door: &dyn SignIn,
        attempt: &Attempt,
    ) -> Result<(Url, Endpoints), Error> {
        let none = || Error::network(refused("nobody gives access to the account"));
        match door.door() {
            Door::Server => {
                let own = attempt.public.clone();
                let endpoints = door.endpoints(&own).ok_or_else(none)?;
                Ok((own, endpoints))
            }
            Door::Configured => {
                let server = self.networks.sign_in(&attempt.network).ok_or_else(none)?;
                let endpoints = door.endpoints(&server).ok_or_else(none)?;
                Ok((attempt.public.clone(), endpoints))
            }
            Door::Identity => {
                let own = self.home(attempt).await?;
                let answered = self.read(&resource_address(&own).ok_or_else(none)?).await?;
                let issuer = read_resource(&own, &answered.as_answer()).map_err(trouble)?;
                let answered = self.read(&metadata_address(&issuer).ok_or_else(none)?).await?;
                let endpoints = read_metadata(&issuer, &answered.as_answer()).map_err(trouble)?;
                Ok((own, endpoints))
            }
        }
    }

    /// How who gives access knows us.
    pub(super) async fn application(
        &self,
        door: &dyn SignIn,
        attempt: &Attempt,
        redirect_uri: &str,
    ) -> Result<Application, Error> {
        let configured = self.networks.application(&attempt.network);
        match door.application() {
            Kind::Configured => configured.ok_or_else(|| {
                field(
                    "method",
                    "takes an application that nobody has configured; see docs/connections.md",
                )
            }),
            Kind::Document => match configured {
                Some(application) => Ok(application),
                None if is_loopback(redirect_uri) => Ok(Application {
                    client_id: loopback_id(redirect_uri, door.scope()),
                    client_secret: None,
                }),
                None => Err(field(
                    "redirect_uri",
                    "is not on loopback, which takes a document of ours that nobody has configured; see \
                     docs/connections.md",
                )),
            },
            Kind::Registered => self.registered(&attempt.public, redirect_uri).await,
        }
    }

    /// What a server calls us, which it is asked for once.
    async fn registered(&self, server: &Url, redirect_uri: &str) -> Result<Application, Error> {
        let store = Error::store;
        let name =
            format!("{} {}", server.origin().ascii_serialization(), without_port(redirect_uri));
        let found = store::registration::read(&self.db, &name).await;
        if let Some(found) = found.map_err(store("look whether a server knows us"))? {
            let opened = self.access.keys.open(For::Server(&name), &found.key_id, &found.sealed);
            let secret = opened.map_err(|error| Error::network(error.into()))?;
            let secret = String::from_utf8(secret).unwrap_or_default();
            return Ok(Application {
                client_id: found.client_id,
                client_secret: Some(Secret::new(secret)),
            });
        }
        let address = registration_address(server);
        let address =
            address.ok_or_else(|| field("handle", "names no server that can be asked"))?;
        let form = registration_form(redirect_uri);
        let answered = self.access.wire.post_form(&address, &form).await;
        let answered = answered.map_err(|error| Error::network(error.into()))?;
        let (client_id, secret) = read_registration(&answered.as_answer()).map_err(trouble)?;
        let sealed = self.access.keys.seal(For::Server(&name), secret.as_bytes());
        let now = self.running.now();
        store::registration::append(&self.db, &name, &client_id, &sealed, now)
            .await
            .map_err(store("note that a server knows us"))?;
        Ok(Application { client_id, client_secret: Some(Secret::new(secret)) })
    }

    async fn read(&self, url: &Url) -> Result<Answered, Error> {
        let answered = self.access.wire.get(url).await;
        answered.map_err(|error| Error::network(error.into()))
    }
}

/// Where people may be sent back to: somewhere that nobody on the way reads, or their own machine.
pub(super) fn check_redirect(redirect_uri: &str) -> Result<(), Error> {
    let url = Url::parse(redirect_uri).map_err(|_| field("redirect_uri", "is no address"))?;
    let may = url.scheme() == "https" || is_loopback(redirect_uri);
    if may && url.has_host() && url.fragment().is_none() {
        return Ok(());
    }
    Err(field("redirect_uri", "is neither https nor http on 127.0.0.1 or [::1]"))
}

fn is_loopback(redirect_uri: &str) -> bool {
    let Ok(url) = Url::parse(redirect_uri) else { return false };
    let host = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    host && url.scheme() == "http"
}

/// On loopback any port is one that servers take: whoever listens there takes what is free. RFC 8252, section 7.3.
fn without_port(redirect_uri: &str) -> String {
    match Url::parse(redirect_uri) {
        Ok(mut url) if is_loopback(redirect_uri) => {
            let _ = url.set_port(None);
            url.into()
        }
        Ok(_) | Err(_) => redirect_uri.to_owned(),
    }
}

/// What an application on somebody's own machine is called where there is no document of it.
fn loopback_id(redirect_uri: &str, scope: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("redirect_uri", &without_port(redirect_uri)).append_pair("scope", scope);
    format!("http://localhost?{}", query.finish())
}

fn trouble(trouble: Trouble) -> Error {
    match trouble {
        Trouble::AccountGone | Trouble::ItemGone => Error::AccountUnknown,
        other @ (Trouble::RateLimited { .. }
        | Trouble::AccessExpired
        | Trouble::AccessRefused { .. }
        | Trouble::Unavailable { .. }
        | Trouble::Malformed { .. }
        | Trouble::Elsewhere
        | Trouble::TaskBroken(_)) => Error::network(Problem::Trouble(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_sent_back_where_nobody_else_reads_it() {
        for good in ["https://ann.example/back", "http://127.0.0.1:4711/back", "http://[::1]/back"]
        {
            assert!(check_redirect(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "back",
            "http://ann.example/back",
            "http://localhost:4711/",
            "http://127.0.0.1.example/",
            "https://ann.example/#x",
            "javascript:alert(1)",
        ] {
            assert!(check_redirect(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_application_on_loopback_is_known_by_where_people_come_back_to() {
        assert_eq!(
            loopback_id("http://127.0.0.1:4711/back", "atproto transition:generic"),
            "http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%2Fback&scope=atproto+transition%3Ageneric",
        );
    }
}
