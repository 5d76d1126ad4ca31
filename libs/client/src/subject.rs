//! Who is asked about.

use klout_proto::{
    graph::v1::{AccountName, account_name::Name},
    score::v1::{LookupSubject, get_score_request, lookup_subject},
};

/// Somebody who is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A person: a decimal, as in the answers.
    Person(String),
    /// Whoever has this account.
    Account {
        /// Such as `bluesky`.
        network: String,
        /// What people call it. Capitals make a difference where they do on the network.
        handle: String,
    },
    /// Whoever has this account.
    NativeAccount {
        /// Such as `bluesky`.
        network: String,
        /// What the network calls it, letter for letter.
        native_id: String,
    },
}

// === impl Subject ===

impl Subject {
    /// A person.
    pub fn person(person: impl Into<String>) -> Self {
        Self::Person(person.into())
    }

    /// Whoever has the account with this handle.
    pub fn account(network: impl Into<String>, handle: impl Into<String>) -> Self {
        Self::Account { network: network.into(), handle: handle.into() }
    }

    fn split(self) -> Result<String, AccountName> {
        match self {
            Self::Person(person) => Ok(person),
            Self::Account { network, handle } => {
                Err(AccountName { network, name: Some(Name::Handle(handle)) })
            }
            Self::NativeAccount { network, native_id } => {
                Err(AccountName { network, name: Some(Name::NativeId(native_id)) })
            }
        }
    }
}

impl From<Subject> for get_score_request::Subject {
    fn from(subject: Subject) -> Self {
        subject.split().map_or_else(Self::Account, Self::Person)
    }
}

impl From<Subject> for LookupSubject {
    fn from(subject: Subject) -> Self {
        use lookup_subject::Subject as Named;
        let subject = subject.split().map_or_else(Named::Account, Named::Person);
        Self { subject: Some(subject) }
    }
}
