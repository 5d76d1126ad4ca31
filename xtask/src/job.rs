//! Runs other programs so that Ctrl-C and `kill` end them too, and what they started.

use std::{
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};

/// How often a wait looks whether it is over.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether somebody asked us to stop. The first signal is noted, so that everything that was
/// started is stopped in order; a second one ends us at once.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

// === impl Interrupt ===

impl Interrupt {
    pub(crate) fn listen() -> Result<Self> {
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // In this order: the first line acts on the second signal only.
            flag::register_conditional_shutdown(signal, 1, Arc::clone(&came))?;
            flag::register(signal, Arc::clone(&came))?;
        }
        Ok(Self(came))
    }

    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs `command` to its end.
pub(crate) fn run(command: &mut Command, interrupt: &Interrupt) -> Result<()> {
    let child = command.spawn().with_context(|| format!("could not start {command:?}"))?;
    wait(child, command, interrupt)
}

/// A short rest between two looks at something that cannot be waited for.
pub(crate) fn pause() {
    thread::sleep(PAUSE);
}

fn wait(mut child: Child, command: &Command, interrupt: &Interrupt) -> Result<()> {
    let mut told = false;
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(!interrupt.came(), "interrupted");
            if status.success() {
                return Ok(());
            }
            let name = command.get_program().to_string_lossy();
            let name = name.rsplit('/').next().unwrap_or_default();
            let verb = command.get_args().next().unwrap_or_default().to_string_lossy();
            bail!("`{name} {verb}` failed ({status})");
        }
        if interrupt.came() && !told {
            told = true;
            // Whoever pressed Ctrl-C reached it as well; whoever used `kill` did not.
            terminate(&child, Signal::TERM);
        }
        pause();
    }
}

/// Sends `signal` to a child that was not waited for yet, so that its id is still its own.
pub(crate) fn terminate(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(id) = id {
        // An error means that it has just ended, which is what is wanted.
        let _ = kill_process(id, signal);
    }
}
