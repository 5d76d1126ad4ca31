//! `klout suppressions`: who left, kept beside backups and put in force again after one was restored.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
};

use klout_proto::{
    graph::v1::{ApplyPersonStatesRequest, ListPersonStatesRequest, PersonState},
    json::{from_slice, to_value},
};

use crate::{
    client::{Missing, Target, retried},
    exit::Failure,
    output::{self, ResultFile},
};

/// States in one request.
const STATES_MAX: i32 = 1_000;

/// In bytes, of a line of a file: a state of somebody with a hundred thousand accounts.
const LINE_MAX: usize = 8 * 1024 * 1024;

/// Keeps who left, and puts that in force again after a backup was restored.
///
/// A backup knows nothing of who left after it was made. The file has numbers and nothing else: nobody can tell from
/// it who anybody is without the account key.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Examples:
  klout suppressions export --out suppressions.jsonl       as often as may be, kept apart from backups
  klout suppressions replay suppressions.jsonl             first of all after a backup was restored")]
pub(crate) struct Suppressions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Export(Export),
    Replay(Replay),
}

/// Writes the state of everybody who is no member or does not consent to everything, as JSON Lines.
#[derive(Debug, clap::Args)]
struct Export {
    /// The file to write; - is stdout
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// Puts the states of a file in force that are newer than what is known. Repeated, it changes nothing.
#[derive(Debug, clap::Args)]
struct Replay {
    /// What `klout suppressions export` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

// === impl Suppressions ===

impl Suppressions {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Export(export) => export.run(),
            Command::Replay(replay) => replay.run(),
        }
    }
}

// === impl Export ===

impl Export {
    fn run(self) -> Result<(), Failure> {
        let mut file = ResultFile::create(&self.out)?;
        let (file, count) = self.target.ask(Missing::Refuse, async |client| {
            let (mut after_number, mut count) = (0, 0_u64);
            loop {
                let request = ListPersonStatesRequest { after_number, page_size: STATES_MAX };
                let states = client.graph().list_person_states(request).await?.into_inner().states;
                let Some(last) = states.last() else { return Ok((file, count)) };
                after_number = last.number;
                for state in &states {
                    writeln!(file, "{}", to_value(state)).map_err(|error| file.failed(&error))?;
                    count += 1;
                }
            }
        })?;
        file.keep()?;
        eprintln!("klout: {} states", output::grouped(count));
        Ok(())
    }
}

// === impl Replay ===

impl Replay {
    fn run(self) -> Result<(), Failure> {
        let Self { file, target } = self;
        let states = read(&file)?;
        target.ask(Missing::Refuse, async |client| {
            for states in states.chunks(usize::try_from(STATES_MAX).expect("a thousand")) {
                retried(|| {
                    let mut client = client.person_data();
                    let request = ApplyPersonStatesRequest { states: states.to_vec() };
                    async move { client.apply_person_states(request).await }
                })
                .await?;
            }
            Ok(())
        })?;
        let count = output::grouped(states.len());
        output::line(&format!("{count} states are in force; services are told in the background"))
    }
}

/// The states of a file. One that cannot be read is no reason to leave others out, but to say so before anything is
/// done.
fn read(path: &Path) -> Result<Vec<PersonState>, Failure> {
    let failed = |line: usize, problem: &str| {
        Failure::Failed(format!("{}, line {line}: {problem}", path.display()))
    };
    let unreadable = |error| Failure::Failed(format!("{}: {error}", path.display()));
    let lines = BufReader::new(File::open(path).map_err(unreadable)?).split(b'\n');
    let mut states = Vec::new();
    for (line, text) in (1..).zip(lines) {
        let text = text.map_err(unreadable)?;
        if text.len() > LINE_MAX {
            return Err(failed(line, "is too long"));
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        let state = from_slice(&text).map_err(|error| failed(line, &error.to_string()))?;
        states.push(state);
    }
    Ok(states)
}
