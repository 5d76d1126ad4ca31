//! A store as a child process, whichever it is.

use std::{
    process::{Child, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{error::Error, keeper::Parent};

/// How often something is looked at that cannot be waited for.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// How long a store may take to answer. Postgres that was killed replays its log first.
const START_TIME_MAX: Duration = Duration::from_secs(120);

/// How long each signal is given to end a store.
const SIGNAL_TIME_MAX: Duration = Duration::from_secs(15);

/// What is particular to one store.
pub(crate) trait Store: Clone {
    /// As it is called in messages.
    const NAME: &'static str;

    /// The signals that end it, the kindest first.
    const SIGNALS: &'static [Signal];

    /// A command that runs it in the foreground.
    fn command(&self) -> Result<Command, Error>;

    /// Whether that child answers.
    fn answers(&self, child: &Child) -> bool;

    /// The end of its log, for a message.
    fn said(&self) -> String;
}

/// A store that runs.
#[derive(Debug)]
pub(crate) struct Server<S> {
    store: S,
    child: Child,
}

// === impl Server ===

impl<S: Store> Server<S> {
    /// Starts it and waits until it answers.
    pub(crate) fn start(store: S, parent: &Parent) -> Result<Self, Error> {
        let child = spawn(&store)?;
        let mut server = Self { store, child };
        let end = Instant::now() + START_TIME_MAX;
        loop {
            if let Some(status) = server.ended()? {
                return Err(Error::Failed { name: S::NAME, status, said: server.store.said() });
            }
            if server.store.answers(&server.child) {
                return Ok(server);
            }
            if parent.gone() {
                server.stop();
                return Err(Error::Unneeded);
            }
            if Instant::now() > end {
                server.stop();
                let said = server.store.said();
                return Err(Error::Silent {
                    name: S::NAME,
                    seconds: START_TIME_MAX.as_secs(),
                    said,
                });
            }
            thread::sleep(PAUSE);
        }
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.child.try_wait().map_err(Error::file("wait for", S::NAME))
    }

    /// What to start another one from.
    pub(crate) const fn store(&self) -> &S {
        &self.store
    }

    /// Ends it, and sees that it has ended.
    pub(crate) fn stop(&mut self) {
        for signal in S::SIGNALS {
            // It was not waited for yet, so that its id is still its own; an error means that it
            // has just ended.
            let _ = kill_process(Pid::from_child(&self.child), *signal);
            let end = Instant::now() + SIGNAL_TIME_MAX;
            while Instant::now() < end {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                thread::sleep(PAUSE);
            }
        }
        // Nothing is left to try but the kernel.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn<S: Store>(store: &S) -> Result<Child, Error> {
    let mut command = store.command()?;
    command.spawn().map_err(|source| Error::Run { program: command.get_program().into(), source })
}
