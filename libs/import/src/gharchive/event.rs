//! An event in any of the shapes that it had over the years.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What we read of an event. Everything else in it is passed over.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    id: Option<Id>,
    #[serde(rename = "type")]
    pub(super) event_type: Option<String>,
    actor: Option<Actor>,
    repo: Option<Repository>,
    /// What `repo` was called until 2014.
    repository: Option<Repository>,
    /// Most of the line, and nothing to us unless somebody follows: it is not taken apart before.
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    /// When it happened, in the full form.
    created_at: Option<String>,
    /// The same in the minimised form.
    dt: Option<String>,
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
    Object { login: String },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Repository {
    Name(String),
    Object { owner: Option<Actor>, name: String },
}

#[derive(Debug, Deserialize)]
struct Follow {
    target: Option<Actor>,
}

// === impl Event ===

impl Event<'_> {
    pub(super) fn id(&self) -> Option<String> {
        match self.id.as_ref()? {
            Id::Text(text) => Some(text.clone()),
            Id::Number(number) => Some(number.to_string()),
        }
    }

    pub(super) fn actor(&self) -> Option<&str> {
        self.actor.as_ref().map(Actor::login).filter(|it| !it.is_empty())
    }

    /// As OWNER/NAME.
    pub(super) fn repository(&self) -> Option<String> {
        match self.repo.as_ref().or(self.repository.as_ref())? {
            Repository::Name(name) | Repository::Object { owner: None, name } => Some(name.clone()),
            Repository::Object { owner: Some(owner), name } => {
                Some(format!("{}/{name}", owner.login()))
            }
        }
    }

    /// Whom a follower follows.
    pub(super) fn target(&self) -> Option<String> {
        let follow: Follow = serde_json::from_str(self.payload?.get()).ok()?;
        follow.target.map(|target| target.login().to_owned())
    }

    pub(super) fn time(&self) -> Option<&str> {
        self.created_at.as_deref().or(self.dt.as_deref())
    }
}

// === impl Actor ===

impl Actor {
    fn login(&self) -> &str {
        match self {
            Self::Login(login) | Self::Object { login } => login,
        }
    }
}
