//! DuckDB in a Python beside us.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Lines, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use klout_world::Interactions;
use tempfile::TempDir;

use super::mass;
use crate::exit::Failure;

/// A process with the same rows in memory, that makes the sums of one round when it is asked to.
#[derive(Debug)]
pub(super) struct DuckDb {
    child: Child,
    ask: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
    /// The rows as they were handed over.
    _folder: TempDir,
}

const SCRIPT: &str = include_str!("../../../../../tests/peers/duckdb_round.py");

// === impl DuckDb ===

impl DuckDb {
    /// Writes the rows for it, and waits until it has them in memory.
    pub(super) fn start(
        python: &Path,
        threads: u16,
        seed: u64,
        accounts: u32,
        rows: u32,
    ) -> Result<Self, Failure> {
        eprintln!("klout: handing {rows} interactions to DuckDB");
        let failed = |error| Failure::failed(&error);
        let folder = super::super::folder()?;
        write(folder.path(), seed, accounts, rows).map_err(failed)?;
        let mut child = Command::new(python)
            .args(["-c", SCRIPT])
            .arg(folder.path())
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::Failed(format!("{}: {error}", python.display())))?;
        let ask = child.stdin.take();
        let output = child.stdout.take().expect("it is piped");
        let answers = BufReader::new(output).lines();
        let mut started = Self { child, ask, answers, _folder: folder };
        started.answer()?;
        Ok(started)
    }

    /// How many seconds one round took.
    pub(super) fn round(&mut self) -> Result<f64, Failure> {
        let ask = self.ask.as_mut().expect("it is open until the end");
        writeln!(ask, "round").map_err(|error| Failure::failed(&error))?;
        let answer = self.answer()?;
        answer.parse().map_err(|_| Failure::Failed(format!("DuckDB answered `{answer}`")))
    }

    fn answer(&mut self) -> Result<String, Failure> {
        let hint = "it needs the packages duckdb and pandas";
        let ended = || Failure::Failed(format!("the Python beside us ended; {hint}"));
        self.answers.next().ok_or_else(ended)?.map_err(|error| Failure::failed(&error))
    }
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.ask = None;
        let _ = self.child.wait();
    }
}

fn write(folder: &Path, seed: u64, accounts: u32, rows: u32) -> io::Result<()> {
    let create = |name: &str| File::create(folder.join(name)).map(BufWriter::new);
    let (mut subject, mut actor) = (create("subject.u32")?, create("actor.u32")?);
    let (mut masses, mut score) = (create("mass.f64")?, create("score.f64")?);
    for row in Interactions::new(seed, accounts, u64::from(rows)) {
        subject.write_all(&row.subject.to_le_bytes())?;
        actor.write_all(&row.actor.to_le_bytes())?;
        masses.write_all(&mass(row.kind, row.age, row.count).to_le_bytes())?;
    }
    for account in 0..accounts {
        score.write_all(&(1.0 / f64::from(1 + account % 100)).to_le_bytes())?;
    }
    [subject.flush(), actor.flush(), masses.flush(), score.flush()].into_iter().collect()
}
