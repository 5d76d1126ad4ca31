//! The networks that are built in, and where each is.

use std::collections::BTreeMap;

use klout_networks::{Method, Network};
use serde::Deserialize;
use url::Url;

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
}

/// Whether accounts of a network are connected by this method.
pub(crate) fn takes(network: &dyn Network, method: Method) -> bool {
    network.description().methods.contains(&method)
}
