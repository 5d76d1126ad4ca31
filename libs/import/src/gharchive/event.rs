//! An event in any of the shapes that it had over the years.

use klout_model::RowReason;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What we read of an event. Everything else in it is passed over, and nothing but its type is taken
/// apart before that is known: most events are no reactions, whatever else they say.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(rename = "type")]
    pub(super) event_type: Option<String>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    actor: Option<&'a RawValue>,
    #[serde(borrow)]
    repo: Option<&'a RawValue>,
    /// What `repo` was called until 2014.
    #[serde(borrow)]
    repository: Option<&'a RawValue>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    /// When it happened, in the full form.
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
    /// The same in the minimised form.
    #[serde(borrow)]
    dt: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(u64),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Actor {
    Login(String),
    Object { login: Option<String> },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Repository {
    Name(String),
    Object { owner: Option<Actor>, name: Option<String> },
}

#[derive(Debug, Deserialize)]
struct Follow {
    target: Option<Actor>,
}

// === impl Event ===

impl Event<'_> {
    /// `None`: it has none.
    ///
    /// # Errors
    ///
    /// When it is neither a text nor a number.
    pub(super) fn id(&self) -> Result<Option<String>, RowReason> {
        let Some(id) = self.id else { return Ok(None) };
        match read(id).ok_or(RowReason::RowMalformed)? {
            Id::Text(text) => Ok(Some(text)),
            Id::Number(number) => Ok(Some(number.to_string())),
        }
    }

    pub(super) fn actor(&self) -> Option<String> {
        read::<Actor>(self.actor?)?.login()
    }

    /// As OWNER/NAME.
    pub(super) fn repository(&self) -> Option<String> {
        match read(self.repo.or(self.repository)?)? {
            Repository::Name(name) | Repository::Object { owner: None, name: Some(name) } => {
                Some(name)
            }
            Repository::Object { owner: Some(owner), name: Some(name) } => {
                Some(format!("{}/{name}", owner.login().unwrap_or_default()))
            }
            Repository::Object { name: None, .. } => None,
        }
    }

    /// Whom a follower follows.
    pub(super) fn target(&self) -> Option<String> {
        read::<Follow>(self.payload?)?.target?.login()
    }

    pub(super) fn time(&self) -> Option<String> {
        read(self.created_at.or(self.dt)?)
    }
}

/// `None`: it is something else.
fn read<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

// === impl Actor ===

impl Actor {
    fn login(self) -> Option<String> {
        match self {
            Self::Login(login) => Some(login),
            Self::Object { login } => login,
        }
        .filter(|login| !login.is_empty())
    }
}
