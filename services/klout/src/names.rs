//! What people are called.

use std::collections::HashMap;

use klout_proto::graph::v1::{LinkedAccount, Person};

/// The accounts of people, by person.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, Vec<LinkedAccount>>);

// === impl Names ===

impl Names {
    pub(crate) fn of(people: Vec<Person>) -> Self {
        Self(people.into_iter().map(|person| (person.person, person.accounts)).collect())
    }

    /// Every account as NETWORK:HANDLE, joined by `; `. Empty for somebody without.
    pub(crate) fn all(&self, person: &str) -> String {
        self.each(person).join("; ")
    }

    /// Every account as NETWORK:HANDLE.
    pub(crate) fn each(&self, person: &str) -> Vec<String> {
        let accounts = self.0.get(person).map(Vec::as_slice).unwrap_or_default();
        accounts.iter().map(name).collect()
    }

    /// The first account, as the commands take it.
    pub(crate) fn subject(&self, person: &str) -> Option<String> {
        self.0.get(person)?.first().map(name)
    }
}

fn name(account: &LinkedAccount) -> String {
    format!("{}:{}", account.network, account.handle)
}
