//! What is still to be asked, and what an answer yields.

use klout_proto::signal::v1::Signal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Account;

/// Something to be asked, with all that the network has to know then: a cursor, for example.
///
/// Kept as JSON, an object whose `kind` says in a word what it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Task(String);

/// A task that its network does not know.
#[derive(Debug, thiserror::Error)]
#[error("a task that this version does not know")]
pub struct TaskBroken(#[source] serde_json::Error);

/// A task, and when it is not worth asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Then {
    pub task: Task,
    /// A new task is left out of incremental visits when what it is about is as it was.
    pub unless: Option<Seen>,
}

/// What something was like when it was read: the number of likes of a post, for example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it is about, unique for the account.
    pub item: String,
    /// What it is like.
    pub value: String,
    /// Whether it is about nothing, as the likes of a post are that has none. Then it is asked only if it was about
    /// something when it was read the last time, also in visits that read everything.
    pub none: bool,
}

/// A part of a list of signals of which every one is in the list as long as it is so.
///
/// When the last part was read, whatever was in the list before and is not any more is taken back, with everything that
/// is listed under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Which list, unique for the account: the likes of a post, for example.
    pub name: String,
    /// The post that the list is about: when that is taken back, so is what is in the list.
    pub under: Option<String>,
    /// Whether this was the last part.
    pub last: bool,
}

/// What an answer yields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// What it tells.
    pub signals: Vec<Signal>,
    /// The list that these belong to. A step of nothing but numbers of the account is a list by itself, all of it.
    pub listing: Option<Listing>,
    /// The next part of the same. When there is none, what [`Then::unless`] said of this has been read.
    pub next: Option<Task>,
    /// What else is to be asked now.
    pub then: Vec<Then>,
    /// What the account is called now, if that was told.
    pub account: Option<Account>,
}

// === impl Task ===

impl Task {
    /// # Panics
    ///
    /// When it cannot be written as JSON, which tasks of strings, numbers and lists can.
    #[must_use]
    pub fn of(task: &impl Serialize) -> Self {
        Self(serde_json::to_string(task).expect("tasks can be written as JSON"))
    }

    /// As it was kept.
    #[must_use]
    pub fn kept(json: String) -> Self {
        Self(json)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// # Errors
    ///
    /// When it is not a task of this kind.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, TaskBroken> {
        serde_json::from_str(&self.0).map_err(TaskBroken)
    }

    /// What it is about, in a word.
    #[must_use]
    pub fn kind(&self) -> String {
        #[derive(Deserialize)]
        struct Kind {
            kind: String,
        }
        self.read::<Kind>().map(|it| it.kind).unwrap_or_default()
    }
}

// === impl Then ===

impl Then {
    /// A task that is asked whatever was seen before.
    #[must_use]
    pub fn always(task: Task) -> Self {
        Self { task, unless: None }
    }

    /// A task that is asked when what it is about has changed.
    #[must_use]
    pub fn unless(task: Task, item: impl Into<String>, value: impl Into<String>) -> Self {
        Self { task, unless: Some(Seen { item: item.into(), value: value.into(), none: false }) }
    }

    /// A task about so many of something, that is asked when there are not as many as there were. Where there were none
    /// and are none, nobody is asked.
    #[must_use]
    pub fn counted(task: Task, item: impl Into<String>, count: u64) -> Self {
        let (item, value, none) = (item.into(), count.to_string(), count == 0);
        Self { task, unless: Some(Seen { item, value, none }) }
    }
}
