//! Accounts as callers name them, checked.

use std::fmt::Display;

use klout_model::{AccountId, AccountKey, AccountTag, NativeId, Network};
use klout_proto::graph::v1::{AccountName, LinkedAccount, account_name};

use crate::{
    error::Error,
    likelihood::Name,
    name::{DECEPTIVE, is_deceptive},
    plus_k::NETWORK,
    web::{self, WEB},
};

/// An account that somebody is to own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) tag: AccountTag,
    pub(crate) network: Network,
    pub(crate) native_id: NativeId,
    /// As valid as a native id.
    pub(crate) handle: NativeId,
}

/// An account that somebody asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    NativeId { id: AccountId, network: Network, native_id: NativeId },
    Handle { network: Network, handle: NativeId },
}

// === impl Account ===

impl Account {
    /// Checks `account`, which the caller knows as the field `path`.
    pub(crate) fn parse(
        key: &AccountKey,
        path: &str,
        account: LinkedAccount,
    ) -> Result<Self, Error> {
        let network = network(path, &account.network)?;
        if network.as_str() == NETWORK {
            return Err(invalid(path, "network", "is where members vouch, and nobody links it"));
        }
        let native_id = native_id(path, &network, &account.native_id)?;
        let handle = match account.handle.as_str() {
            "" => native_id.clone(),
            handle => name(path, "handle", handle)?,
        };
        let (id, tag) = key.account(&network, &native_id);
        Ok(Self { id, tag, network, native_id, handle })
    }
}

// === impl Named ===

impl Named {
    /// As answers call it.
    pub(crate) const fn kind(&self) -> Name {
        match self {
            Self::NativeId { .. } => Name::NativeId,
            Self::Handle { .. } => Name::Handle,
        }
    }

    pub(crate) fn parse(
        key: &AccountKey,
        path: &str,
        account: Option<AccountName>,
    ) -> Result<Self, Error> {
        let account = account.ok_or_else(|| Error::field(path, "is missing"))?;
        let network = network(path, &account.network)?;
        match account.name {
            Some(account_name::Name::NativeId(text)) => {
                let native_id = native_id(path, &network, &text)?;
                let (id, _) = key.account(&network, &native_id);
                Ok(Self::NativeId { id, network, native_id })
            }
            Some(account_name::Name::Handle(text)) => {
                Ok(Self::Handle { network, handle: name(path, "handle", &text)? })
            }
            None => Err(Error::field(format!("{path}.name"), "is missing")),
        }
    }
}

fn network(path: &str, text: &str) -> Result<Network, Error> {
    text.parse().map_err(|reason| invalid(path, "network", reason))
}

/// The one place where a native id is read: what names one account in several ways is written one way.
fn native_id(path: &str, network: &Network, text: &str) -> Result<NativeId, Error> {
    let given = name(path, "native_id", text)?;
    if network.as_str() != WEB {
        return Ok(given);
    }
    let address = web::address(text).map_err(|problem| invalid(path, "native_id", problem))?;
    name(path, "native_id", &address)
}

fn name(path: &str, field: &str, text: &str) -> Result<NativeId, Error> {
    if is_deceptive(text) {
        return Err(invalid(path, field, DECEPTIVE));
    }
    text.parse().map_err(|reason| invalid(path, field, reason))
}

fn invalid(path: &str, field: &str, reason: impl Display) -> Error {
    Error::field(format!("{path}.{field}"), reason)
}
