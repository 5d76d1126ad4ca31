//! What a network is, to whoever asks it.

use std::fmt;

use url::Url;

use crate::{Account, Answer, Ask, Description, Step, Task, Then, Trouble, Visit};

/// What was asked for by an address that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Whose a handle is, which [`Network::resolved`] reads.
    Account,
    /// What [`Network::read`] reads.
    Task(Task),
}

/// A network that accounts can be connected on.
///
/// Nothing here waits, reads a clock or keeps anything, and nothing that a network answers makes it panic.
pub trait Network: fmt::Debug + Send + Sync {
    /// What it gives, and under which terms.
    fn description(&self) -> &'static Description;

    /// The server that an account of this handle is on, where a network has many.
    ///
    /// # Errors
    ///
    /// What is wrong with the handle, to go behind its name.
    fn server(&self, _handle: &str) -> Result<Option<String>, &'static str> {
        Ok(None)
    }

    /// Asks whose a handle is. [`Visit::account`] has nothing but the handle, and an empty native id.
    ///
    /// # Errors
    ///
    /// When it cannot be anybody's.
    fn resolve(&self, visit: &Visit) -> Result<Ask, Trouble>;

    /// Reads whose it is.
    ///
    /// # Errors
    ///
    /// [`Trouble::AccountGone`] when it is nobody's.
    fn resolved(&self, visit: &Visit, answer: &Answer<'_>) -> Result<Account, Trouble>;

    /// What a visit begins with.
    fn begin(&self, visit: &Visit) -> Vec<Then>;

    /// What to ask for a task.
    ///
    /// # Errors
    ///
    /// [`Trouble::TaskBroken`] when the task is none of this network.
    fn ask(&self, visit: &Visit, task: &Task) -> Result<Ask, Trouble>;

    /// Reads what was answered to [`Self::ask`].
    ///
    /// # Errors
    ///
    /// What is the matter. Nothing is lost: the task stays, or ends as [`Trouble`] says.
    fn read(&self, visit: &Visit, task: &Task, answer: &Answer<'_>) -> Result<Step, Trouble>;

    /// What whoever asked for this address wanted to know: the opposite of [`Self::ask`], so that what was recorded can
    /// be read. `None`: nothing that is asked of this network.
    fn recorded(&self, _url: &Url) -> Option<Recorded> {
        None
    }
}
