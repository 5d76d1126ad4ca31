//! Programs that run beside a command, each in a folder that is thrown away, until they are dropped.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use serde::Deserialize;
use tempfile::TempDir;

use crate::job::{self, Interrupt};

/// How long a program may take to be there.
const START_TIME_MAX: Duration = Duration::from_secs(180);

/// A program that runs until it is dropped, and what it said.
pub(crate) struct Running {
    name: &'static str,
    process: Child,
    log: PathBuf,
}

/// A `klout up` in a folder of its own, until it is dropped.
pub(crate) struct Up {
    running: Running,
    pub(crate) folder: TempDir,
    pub(crate) http: String,
}

/// As `klout up` writes it.
#[derive(Deserialize)]
struct Endpoints {
    http: String,
}

// === impl Running ===

impl Running {
    /// Starts `command`, which writes what it says to `log`.
    pub(crate) fn start(name: &'static str, command: &mut Command, log: PathBuf) -> Result<Self> {
        let file = fs::File::create(&log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let process = command.spawn().with_context(|| format!("could not start {name}"))?;
        Ok(Self { name, process, log })
    }

    /// Waits until it is there, as `there` tells.
    pub(crate) fn wait_until(
        &mut self,
        interrupt: &Interrupt,
        there: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let started = Instant::now();
        while !there(&self.said()) {
            let (name, ended) = (self.name, self.process.try_wait()?);
            ensure!(ended.is_none(), "{name} ended before it was there:\n{}", self.said());
            ensure!(!interrupt.came(), "interrupted");
            let soon = started.elapsed() < START_TIME_MAX;
            ensure!(soon, "{name} takes too long:\n{}", self.said());
            job::pause();
        }
        Ok(())
    }

    /// What it said until now.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it, and says what it had to say if it did not end well.
    pub(crate) fn stop(mut self) -> Result<()> {
        job::terminate(&self.process, Signal::TERM);
        let status = self.process.wait()?;
        if !status.success() {
            bail!("{} ended with {status}: {}", self.name, self.said());
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where something else went wrong; or it is a program that ends no other way.
        if matches!(self.process.try_wait(), Ok(None)) {
            job::terminate(&self.process, Signal::TERM);
            let _ = self.process.wait();
        }
    }
}

// === impl Up ===

impl Up {
    /// `klout up` with more to say, and settings as the environment has them.
    pub(crate) fn start(
        klout: &Path,
        arguments: &[&str],
        settings: &[(&str, String)],
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("klout-up-").tempdir()?;
        let mut up = Command::new(klout);
        up.arg("up").arg("--data-dir").arg(folder.path()).args(arguments);
        up.args(["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]);
        up.envs(settings.iter().map(|(name, value)| (name, value)));
        let mut running = Running::start("klout", &mut up, folder.path().join("up.log"))?;
        let endpoints = folder.path().join("endpoints.json");
        running.wait_until(interrupt, |_| endpoints.exists())?;
        let endpoints: Endpoints = serde_json::from_slice(&fs::read(endpoints)?)?;
        Ok(Self { running, folder, http: endpoints.http })
    }

    pub(crate) fn stop(self) -> Result<()> {
        self.running.stop()
    }
}
