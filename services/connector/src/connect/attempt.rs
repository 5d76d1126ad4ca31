//! An attempt to connect, as whoever started it keeps it: sealed, so that nobody reads or changes it. Pure.

use klout_model::PersonId;
use klout_networks::Account;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::Url;

use crate::access::grant::Asked;

/// What is to be connected, and how.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) person: PersonId,
    pub(super) network: String,
    pub(super) method: String,
    pub(super) expire_time: OffsetDateTime,
    /// Whom everybody may ask.
    pub(super) public: Url,
    /// Who gives access, where anybody does.
    pub(super) own: Option<Url>,
    /// `None`: whoever gives access says.
    pub(super) account: Option<Account>,
    pub(super) way: Way,
}

/// How it is shown whose the account is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "snake_case")]
pub(super) enum Way {
    OAuth(Box<Asked>),
    /// An app password, or a token.
    Secret,
    /// A link that social-graph started.
    Link {
        link: String,
    },
    Operator,
}

#[derive(Serialize, Deserialize)]
struct Written<W> {
    person: String,
    network: String,
    method: String,
    expire_time: i64,
    public: Url,
    own: Option<Url>,
    account: Option<(String, Option<String>)>,
    #[serde(flatten)]
    way: W,
}

// === impl Attempt ===

impl Attempt {
    /// # Panics
    ///
    /// When it cannot be written as JSON, which texts and numbers can.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let Self { person, network, method, expire_time, public, own, account, way } = self;
        let written = Written {
            person: person.to_string(),
            network: network.clone(),
            method: method.clone(),
            expire_time: expire_time.unix_timestamp(),
            public: public.clone(),
            own: own.clone(),
            account: account.as_ref().map(|it| (it.native_id.clone(), it.handle.clone())),
            way,
        };
        serde_json::to_vec(&written).expect("texts and numbers can be written as JSON")
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let written: Written<Way> = serde_json::from_slice(bytes).ok()?;
        let Written { person, network, method, expire_time, public, own, account, way } = written;
        let account = account.map(|(native_id, handle)| Account { native_id, handle });
        let person = person.parse().ok()?;
        let expire_time = OffsetDateTime::from_unix_timestamp(expire_time).ok()?;
        Some(Self { person, network, method, expire_time, public, own, account, way })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn an_attempt_is_read_as_it_was_written() {
        let url = |text: &str| Url::parse(text).expect("an address");
        for way in [Way::Secret, Way::Operator, Way::Link { link: "a.b".to_owned() }] {
            let attempt = Attempt {
                person: "42".parse().expect("a person"),
                network: "github".to_owned(),
                method: "TOKEN".to_owned(),
                expire_time: datetime!(2026-11-26 12:00 UTC),
                public: url("https://api.github.com"),
                own: None,
                account: Some(Account { native_id: "login/ann".to_owned(), handle: None }),
                way,
            };
            let again = Attempt::parse(&attempt.to_bytes()).expect("it is read");
            assert_eq!(again.to_bytes(), attempt.to_bytes());
        }
        assert!(Attempt::parse(b"{}").is_none());
    }
}
