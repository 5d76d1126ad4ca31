//! Whom a command is about.

use std::{fmt, str::FromStr};

use klout_model::PersonId;
use klout_proto::{
    graph::v1::{AccountName, ResolvePersonRequest, account_name::Name},
    score::v1::{explain_score_request, get_score_request, simulate_score_request},
};

use crate::{client::Client, exit::Failure};

/// What `--help` says of it.
pub(crate) const HELP: &str = "Whom: a person's id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID";

/// A person or an account, as typed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Subject {
    Person(PersonId),
    Account(AccountName),
}

#[derive(Debug, thiserror::Error)]
#[error("neither a person's id, nor NETWORK:HANDLE, nor NETWORK:id=NATIVE_ID")]
pub(crate) struct SubjectInvalid;

// === impl Subject ===

impl Subject {
    pub(crate) fn into_request(self) -> get_score_request::Subject {
        match self {
            Self::Person(person) => get_score_request::Subject::Person(person.to_string()),
            Self::Account(account) => get_score_request::Subject::Account(account),
        }
    }

    pub(crate) fn into_explain_request(self) -> explain_score_request::Subject {
        match self {
            Self::Person(person) => explain_score_request::Subject::Person(person.to_string()),
            Self::Account(account) => explain_score_request::Subject::Account(account),
        }
    }

    pub(crate) fn into_simulate_request(self) -> simulate_score_request::Subject {
        match self {
            Self::Person(person) => simulate_score_request::Subject::Person(person.to_string()),
            Self::Account(account) => simulate_score_request::Subject::Account(account),
        }
    }

    /// The person, who is asked for if need be.
    pub(crate) async fn person(self, client: &Client) -> Result<String, Failure> {
        match self {
            Self::Person(person) => Ok(person.to_string()),
            Self::Account(account) => {
                let request = ResolvePersonRequest { account: Some(account), ..Default::default() };
                Ok(client.graph().resolve_person(request).await?.into_inner().person)
            }
        }
    }
}

/// As it is typed.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => write!(f, "{person}"),
            Self::Account(AccountName { network, name }) => match name {
                Some(Name::NativeId(native_id)) => write!(f, "{network}:id={native_id}"),
                Some(Name::Handle(handle)) => write!(f, "{network}:{handle}"),
                None => f.write_str(network),
            },
        }
    }
}

impl FromStr for Subject {
    type Err = SubjectInvalid;

    fn from_str(text: &str) -> Result<Self, SubjectInvalid> {
        let Some((network, name)) = text.split_once(':') else {
            return text.parse().map(Self::Person).map_err(|_| SubjectInvalid);
        };
        if network.is_empty() || name.is_empty() || name == "id=" {
            return Err(SubjectInvalid);
        }
        let name = match name.strip_prefix("id=") {
            Some(native_id) => Name::NativeId(native_id.to_owned()),
            None => Name::Handle(name.to_owned()),
        };
        Ok(Self::Account(AccountName { network: network.to_owned(), name: Some(name) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_a_person_a_handle_or_a_native_id() {
        let account = |name| AccountName { network: "bluesky".to_owned(), name: Some(name) };
        let parsed = |text: &str| text.parse::<Subject>().expect("a subject");
        assert!(matches!(parsed("42"), Subject::Person(_)));
        let handle = account(Name::Handle("ann:1".to_owned()));
        assert_eq!(parsed("bluesky:ann:1"), Subject::Account(handle));
        let native_id = account(Name::NativeId("did:plc:1".to_owned()));
        assert_eq!(parsed("bluesky:id=did:plc:1"), Subject::Account(native_id));
        for typed in ["42", "bluesky:ann:1", "bluesky:id=did:plc:1"] {
            assert_eq!(parsed(typed).to_string(), typed);
        }
        for bad in ["", "ann", "0", ":ann", "bluesky:", "bluesky:id="] {
            assert!(bad.parse::<Subject>().is_err(), "{bad}");
        }
    }
}
