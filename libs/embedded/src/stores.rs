//! The stores, as the process sees them that uses them.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, TryRecvError},
    thread,
};

use crate::{
    error::Error,
    home::Home,
    keeper::{KEEP_STORES, Word},
};

/// Which stores are wanted, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    pub postgres: bool,
    pub redis: bool,
    /// Whether what is written may be lost with the machine: for tests.
    pub throwaway: bool,
}

/// Something that happened to a store while it ran, for a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note(pub String);

/// Stores that run. Dropping them stops both, in order, and waits for that.
#[derive(Debug)]
pub struct Stores {
    keeper: Child,
    words: Receiver<Word>,
    postgres_url: Option<String>,
    redis_url: Option<String>,
}

// === impl Needs ===

impl Needs {
    fn to_arguments(self) -> Vec<&'static str> {
        let named =
            [("postgres", self.postgres), ("redis", self.redis), ("throwaway", self.throwaway)];
        named.into_iter().filter_map(|(name, needed)| needed.then_some(name)).collect()
    }

    pub(crate) fn from_arguments(arguments: impl Iterator<Item = OsString>) -> Self {
        let named: Vec<_> = arguments.collect();
        let needed = |name: &str| named.iter().any(|argument| argument == name);
        Self {
            postgres: needed("postgres"),
            redis: needed("redis"),
            throwaway: needed("throwaway"),
        }
    }
}

// === impl Stores ===

impl Stores {
    /// Starts the stores of `home` and waits until they answer; `told` hears what happens meanwhile.
    /// `keeper` is a command that runs this binary; it is given the arguments that make it the keeper.
    ///
    /// # Errors
    ///
    /// When one cannot be started; nothing runs then.
    pub fn start(
        home: &Home,
        needs: Needs,
        mut keeper: Command,
        mut told: impl FnMut(Note),
    ) -> Result<Self, Error> {
        keeper.arg(KEEP_STORES).arg(&home.folder).args(needs.to_arguments());
        // A group of its own: Ctrl-C at a terminal is for us, and the stores are needed for as long as
        // we go down.
        keeper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = keeper
            .spawn()
            .map_err(|source| Error::Run { program: keeper.get_program().into(), source })?;
        let stdout = keeper.stdout.take().ok_or(Error::KeeperLost)?;
        let (words_in, words) = mpsc::channel();
        // Ends with the keeper, whose stdout it reads.
        thread::spawn(move || Word::read(stdout).try_for_each(|word| words_in.send(word)));
        let stores = Self {
            keeper,
            words,
            postgres_url: needs.postgres.then(|| home.postgres_url()).transpose()?,
            redis_url: needs.redis.then(|| home.redis_url()).transpose()?,
        };
        loop {
            match stores.words.recv() {
                Ok(Word::Ready) => return Ok(stores),
                Ok(Word::Note(text)) => told(Note(text)),
                Ok(Word::Error(text)) => return Err(Error::Keeper(text)),
                Err(_) => return Err(Error::KeeperLost),
            }
        }
    }

    /// For `DATABASE_URL`, if Postgres was wanted.
    #[must_use]
    pub fn postgres_url(&self) -> Option<&str> {
        self.postgres_url.as_deref()
    }

    /// For `REDIS_URL`, if Redis was wanted.
    #[must_use]
    pub fn redis_url(&self) -> Option<&str> {
        self.redis_url.as_deref()
    }

    /// What happened since the last call.
    ///
    /// # Errors
    ///
    /// When a store could not be kept running, or the keeper itself was killed.
    pub fn happened(&mut self) -> Result<Vec<Note>, Error> {
        let mut notes = Vec::new();
        loop {
            match self.words.try_recv() {
                Ok(Word::Note(text)) => notes.push(Note(text)),
                Ok(Word::Ready) => {}
                Ok(Word::Error(text)) => return Err(Error::Keeper(text)),
                Err(TryRecvError::Empty) => return Ok(notes),
                Err(TryRecvError::Disconnected) => return Err(Error::KeeperLost),
            }
        }
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        // This closes the pipe, which is how the keeper is told.
        drop(self.keeper.stdin.take());
        // An error means that it has already ended.
        let _ = self.keeper.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_survive_the_command_line() {
        for (postgres, redis, throwaway) in [(true, true, true), (true, false, false)] {
            let needs = Needs { postgres, redis, throwaway };
            let arguments = needs.to_arguments().into_iter().map(OsString::from);
            assert_eq!(Needs::from_arguments(arguments), needs);
        }
    }
}
