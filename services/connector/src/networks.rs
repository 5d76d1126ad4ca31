//! The networks that are built in, and where each is.

use std::collections::BTreeMap;

use klout_networks::{Method, Network};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use crate::access::{grant::Application, kept::Secret};

/// Networks by their names, and whom to ask.
#[derive(Clone, Debug)]
pub(crate) struct Networks {
    by_name: BTreeMap<&'static str, &'static dyn Network>,
    servers: BTreeMap<String, Servers>,
}

/// Where a network is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Servers {
    /// Whom everybody may ask; `{server}` stands for the server of an account, where a network has many.
    pub public: String,
    /// Who gives access to accounts, where that is one for everybody.
    #[serde(default)]
    pub sign_in: String,
    /// Who knows which server an account is on, where accounts have identities of their own.
    #[serde(default)]
    pub directory: String,
    /// What we are called where access is given. Empty: nothing.
    #[serde(default)]
    pub client_id: String,
    /// What we show there.
    #[serde(default)]
    pub client_secret: SecretString,
}

// === impl Networks ===

impl Networks {
    pub(crate) fn new(servers: BTreeMap<String, Servers>) -> Self {
        let by_name =
            klout_networks::built().iter().map(|it| (it.description().network, *it)).collect();
        Self { by_name, servers }
    }

    /// Networks of a test.
    #[cfg(test)]
    pub(crate) fn played(networks: &[&'static dyn Network]) -> Self {
        let by_name = networks.iter().map(|it| (it.description().network, *it)).collect();
        Self { by_name, servers: BTreeMap::new() }
    }

    pub(crate) fn get(&self, network: &str) -> Option<&'static dyn Network> {
        self.by_name.get(network).copied()
    }

    /// Whom everybody may ask about an account of this handle.
    pub(crate) fn public(&self, network: &str, server: Option<&str>) -> Option<Url> {
        let template = &self.servers.get(network)?.public;
        let address = match server {
            Some(server) => template.replace("{server}", server),
            None => template.clone(),
        };
        Url::parse(&address).ok().filter(Url::has_host)
    }

    /// Who gives access to accounts, where that is one for everybody.
    pub(crate) fn sign_in(&self, network: &str) -> Option<Url> {
        Url::parse(&self.servers.get(network)?.sign_in).ok().filter(Url::has_host)
    }

    /// Who knows which server an account is on.
    pub(crate) fn directory(&self, network: &str) -> Option<Url> {
        Url::parse(&self.servers.get(network)?.directory).ok().filter(Url::has_host)
    }

    /// What we are called where access is given, if somebody has configured that.
    pub(crate) fn application(&self, network: &str) -> Option<Application> {
        let Servers { client_id, client_secret, .. } = self.servers.get(network)?;
        let secret = client_secret.expose_secret();
        (!client_id.is_empty()).then(|| Application {
            client_id: client_id.clone(),
            client_secret: (!secret.is_empty()).then(|| Secret::new(secret)),
        })
    }
}

/// Whether accounts of a network are connected by this method.
pub(crate) fn takes(network: &dyn Network, method: Method) -> bool {
    network.description().methods.contains(&method)
}
