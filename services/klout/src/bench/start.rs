//! How long it takes from nothing to a system that answers, and how much memory that is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};

use super::Figures;
use crate::exit::Failure;

/// What `klout up` says when it answers, and when it has shown what there is.
const READY: &str = "klout: ready";
const WELCOME: &str = "Try next";

/// Measures `klout up`: from an empty folder to ready, the same on a folder that has been used, with
/// the sample until its scores can be read, and the memory of everything together.
///
/// Memory is the proportional set size of klout, its keeper, Postgres and Redis: pages that several of
/// them share count once.
#[derive(Debug, clap::Args)]
pub(crate) struct Start {
    /// How often each is measured; the median is printed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    runs: u8,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

/// A `klout up` that said what was waited for.
struct Up {
    child: Child,
    seconds: f64,
}

// === impl Start ===

impl Start {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (mut empty, mut again, mut sample) = (Vec::new(), Vec::new(), Vec::new());
        let (mut memory, mut loaded) = (Vec::new(), Vec::new());
        for _ in 0..self.runs {
            let folder = super::folder()?;
            let mut first = Up::start(folder.path(), &[], READY)?;
            empty.push(first.seconds * 1_000.0);
            memory.push(first.memory_mib()?);
            first.stop()?;
            let mut second = Up::start(folder.path(), &[], READY)?;
            again.push(second.seconds * 1_000.0);
            second.stop()?;

            let folder = super::folder()?;
            let mut whole = Up::start(folder.path(), &["--sample"], WELCOME)?;
            sample.push(whole.seconds);
            loaded.push(whole.memory_mib()?);
            whole.stop()?;
        }
        let mut figures = Figures::default();
        figures.add("empty_to_ready_ms", empty);
        figures.add("used_to_ready_ms", again);
        figures.add("empty_to_sample_s", sample);
        figures.add("memory_ready_mib", memory);
        figures.add("memory_sample_mib", loaded);
        figures.print("start", self.json)
    }
}

// === impl Up ===

impl Up {
    fn start(folder: &Path, arguments: &[&str], until: &str) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::failed(&error);
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(["up", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--data-dir"]);
        command.arg(folder).args(arguments).stdin(Stdio::null()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().map_err(failed)?;
        let stderr = child.stderr.take().ok_or_else(|| Failure::Failed("no pipe".to_owned()))?;
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let mut said = Vec::new();
        loop {
            match lines.next() {
                Some(line) if line.contains(until) => break,
                Some(line) => said.push(line),
                None => return Err(Failure::Failed(format!("it ended: {}", said.join("\n")))),
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        // A pipe that nobody reads would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, seconds })
    }

    /// Of everything that descends from it.
    fn memory_mib(&self) -> Result<f64, Failure> {
        let parents = parents();
        let mut ours = BTreeSet::from([self.child.id()]);
        // A child has not always a larger number than its parent.
        loop {
            let more: Vec<_> = parents
                .iter()
                .filter(|(pid, parent)| ours.contains(parent) && !ours.contains(pid))
                .map(|(pid, _)| *pid)
                .collect();
            if more.is_empty() {
                break;
            }
            ours.extend(more);
        }
        let kib: Vec<f64> = ours.into_iter().filter_map(proportional_kib).collect();
        if kib.is_empty() {
            return Err(Failure::Failed("this system does not tell memory".to_owned()));
        }
        Ok(kib.iter().sum::<f64>() / 1_024.0)
    }

    fn stop(&mut self) -> Result<(), Failure> {
        kill_process(Pid::from_child(&self.child), Signal::INT)
            .map_err(|error| Failure::failed(&error))?;
        let status = self.child.wait().map_err(|error| Failure::failed(&error))?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::Failed(format!("it did not end in order: {status}")))
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It has ended in order, or something failed before it was asked to.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
            let _ = self.child.wait();
        }
    }
}

/// The parent of each process, as Linux tells it.
fn parents() -> BTreeMap<u32, u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let parent = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name of the program, in brackets, may hold anything.
        let fields = stat.rsplit_once(')')?.1;
        Some((pid, fields.split_whitespace().nth(1)?.parse().ok()?))
    };
    entries.filter_map(parent).collect()
}

fn proportional_kib(pid: u32) -> Option<f64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
