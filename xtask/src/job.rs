//! Runs other programs so that Ctrl-C and `kill` end them too, and what they started.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    process::{Child, Command, Stdio},
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

/// Runs `command` to its end, passes its stderr on, and returns the last line of it that
/// `is_wanted`, without colours.
pub(crate) fn run_and_find(
    command: &mut Command,
    interrupt: &Interrupt,
    is_wanted: fn(&str) -> bool,
) -> (Result<()>, Option<String>) {
    let spawned = command.stderr(Stdio::piped()).spawn();
    let mut child = match spawned.with_context(|| format!("could not start {command:?}")) {
        Ok(child) => child,
        Err(error) => return (Err(error), None),
    };
    let stderr = child.stderr.take().expect("stderr was piped one line above");
    let reader = thread::spawn(move || pass_on(stderr, is_wanted));
    let result = wait(child, command, interrupt);
    (result, reader.join().ok().flatten())
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

fn pass_on(stderr: impl Read, is_wanted: fn(&str) -> bool) -> Option<String> {
    let mut reader = BufReader::new(stderr);
    let mut found = None;
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        // Whoever closed our stderr does not want to read it.
        let _ = std::io::stderr().write_all(&line);
        let text = without_colours(&String::from_utf8_lossy(&line));
        if is_wanted(text.trim()) {
            found = Some(text.trim().to_owned());
        }
        line.clear();
    }
    found
}

/// Takes out `ESC [ … m`.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out() {
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m3\u{1b}[0m tests run";

        assert_eq!(without_colours(line), "     Summary [   0.1s] 3 tests run");
    }

    #[test]
    fn the_last_wanted_line_is_found() {
        let text = &b"Summary one\nother\nSummary two\nend"[..];

        let found = pass_on(text, |line| line.starts_with("Summary"));

        assert_eq!(found.as_deref(), Some("Summary two"));
    }
}
