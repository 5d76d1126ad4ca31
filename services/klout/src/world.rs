//! `klout world`: a made-up world as files.

use std::{
    fs,
    io::{self, BufWriter},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use klout_model::Day;
use klout_world::{Attack, Attacks, Content, LAST_DAY, Nature, Recipe, World};
use tempfile::NamedTempFile;
use time::Date;

use crate::{arguments, exit::Failure, output};

/// Makes up a social world and writes it as files: people who post and react, and cheats.
///
/// The same arguments give the same files. Written are the last 90 days, which a score as of
/// the last one looks at:
///
///   interactions.csv.gz, counters.csv.gz, posts.csv.gz   what the networks tell
///   registered.csv                                       the accounts whose owners joined
///   accounts.csv                                         the truth, which no network tells
///
/// The truth is network,account,person,joined,nature,attack,bought,influence: whose account it
/// is, whether they joined, person or fake, for which attack a fake was made, what its owner
/// bought, and how many reactions one post of it draws in the mean. All of it is explained in
/// docs/world.md.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  klout world --people 10000 --seed 1 --out world
  klout rank world/interactions.csv.gz world/counters.csv.gz world/posts.csv.gz \\
    --registered world/registered.csv --as-of 2026-10-31T23:59:59.999Z --out scores.csv

The same in a server, whose clock has to stand at the world's last day:
  klout up --data-dir demo --as-of 2026-10-31T23:59:59.999Z        and in another terminal
  klout import csv --data-dir demo --registered world/registered.csv \\
    world/interactions.csv.gz world/counters.csv.gz world/posts.csv.gz"
)]
pub(crate) struct MakeWorld {
    /// How many people; fakes come on top
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32)
        .range(i64::from(Recipe::PEOPLE_MIN)..=i64::from(Recipe::PEOPLE_MAX)))]
    people: u32,
    /// Which world: another number is another world
    #[arg(long, value_name = "S")]
    seed: u64,
    /// The folder to write to, which is made, or is empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Honest people only
    #[arg(long)]
    no_attacks: bool,
    /// The last UTC day
    #[arg(long, value_name = "DATE", value_parser = arguments::date, default_value_t = LAST_DAY)]
    last_day: Date,
    /// Writes into a folder that is not empty, over the files of an earlier world
    #[arg(long)]
    force: bool,
}

/// A file of rows that gets its name when all files are complete, so that no two are of different worlds.
struct Rows<W: io::Write> {
    name: &'static str,
    writer: csv::Writer<W>,
    count: u64,
}

/// Many rows.
type Packed = Rows<GzEncoder<BufWriter<NamedTempFile>>>;

/// Few rows, for whoever looks into them.
type Plain = Rows<BufWriter<NamedTempFile>>;

/// A file with all its rows.
struct Complete {
    file: NamedTempFile,
    name: &'static str,
    count: u64,
}

const TRUTH_COLUMNS: [&str; 8] =
    ["network", "account", "person", "joined", "nature", "attack", "bought", "influence"];

/// How the names of files begin that are not complete. Who is killed leaves them behind.
const INCOMPLETE: &str = ".klout-world-";

/// The mode of the files, less the umask: temporary files are private otherwise.
const READABLE: u32 = 0o666;

// === impl MakeWorld ===

impl MakeWorld {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let last_day = Day::from_date(self.last_day);
        let mut recipe = Recipe::new(self.seed, self.people, last_day);
        if self.no_attacks {
            recipe.attacks = Attacks::NONE;
        }
        let world = World::new(&recipe).map_err(|error| Failure::Usage(error.to_string()))?;
        self.make_folder()?;
        let failed = |error| not_written(&self.out, &error);
        let [interactions, counters, posts] = self.write(&world).map_err(failed)?;
        let accounts = world.accounts().len();
        eprintln!(
            "klout: {accounts} accounts, {interactions} interactions, {counters} readings of counters, \
             {posts} posts"
        );
        Ok(())
    }

    fn make_folder(&self) -> Result<(), Failure> {
        let folder = self.out.display();
        let failed = |error| not_written(&self.out, &error);
        if self.out.exists() && !self.out.is_dir() {
            return Err(Failure::Failed(format!("{folder} is a file: name a folder with --out")));
        }
        fs::create_dir_all(&self.out).map_err(failed)?;
        let mut used = false;
        for entry in fs::read_dir(&self.out).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with(INCOMPLETE) {
                fs::remove_file(entry.path()).map_err(failed)?;
            } else {
                used = true;
            }
        }
        if used && !self.force {
            return Err(Failure::Failed(format!(
                "{folder} is not empty: name another folder with --out, or write over the files of an \
                 earlier world with --force"
            )));
        }
        Ok(())
    }

    /// Writes all files, and returns how many interactions, readings of counters and posts there are.
    fn write(&self, world: &World) -> io::Result<[u64; 3]> {
        let accounts = self.write_accounts(world)?;
        let signals = self.write_signals(world)?;
        let counts = signals.each_ref().map(|it| it.count);
        for Complete { file, name, .. } in accounts.into_iter().chain(signals) {
            file.persist(self.out.join(name)).map_err(|error| error.error)?;
        }
        Ok(counts)
    }

    /// Who there is, and what is true of them.
    fn write_accounts(&self, world: &World) -> io::Result<[Complete; 2]> {
        let mut registered = Plain::create(&self.out, "registered.csv", &["network", "account"])?;
        let mut accounts = Plain::create(&self.out, "accounts.csv", &TRUTH_COLUMNS)?;
        for account in world.accounts() {
            let name = [account.network.as_str(), account.native_id.as_str()];
            if account.truth.member.is_some() {
                registered.add(&name)?;
            }
            let (nature, attack) = match account.truth.nature {
                Nature::Person { .. } => ("person", ""),
                Nature::Fake { attack } => ("fake", attack.as_str()),
            };
            accounts.add(&[
                name[0],
                name[1],
                &account.truth.person.to_string(),
                &account.truth.member.is_some().to_string(),
                nature,
                attack,
                account.truth.bought.map_or("", Attack::as_str),
                &account.influence().map(|it| it.to_string()).unwrap_or_default(),
            ])?;
        }
        Ok([registered.complete()?, accounts.complete()?])
    }

    /// What the networks tell: interactions, counters and posts.
    fn write_signals(&self, world: &World) -> io::Result<[Complete; 3]> {
        let columns =
            ["time", "network", "actor", "subject", "kind", "count", "id", "post", "label"];
        let mut interactions = Packed::create(&self.out, "interactions.csv.gz", &columns)?;
        let columns = ["time", "network", "account", "counter", "value", "id"];
        let mut counters = Packed::create(&self.out, "counters.csv.gz", &columns)?;
        let columns = ["time", "network", "account", "post", "text", "id"];
        let mut posts = Packed::create(&self.out, "posts.csv.gz", &columns)?;

        let days = World::window();
        let first = days.start;
        let template = "days: [{bar:30}] {pos}/{len}, {eta} left";
        let bar = output::progress(Some(days.len() as u64), template);
        for event in days.flat_map(|day| {
            bar.set_position((day - first).into());
            world.day(day)
        }) {
            let time = arguments::print_time(event.time);
            let (network, id) = (event.network.as_str(), event.signal_id.as_str());
            match event.content {
                Content::Interaction { actor, subject, kind, count, post, label } => interactions
                    .add(&[
                    &time,
                    network,
                    actor.map_or("", |actor| actor.native_id.as_str()),
                    subject.native_id.as_str(),
                    kind.as_str(),
                    &count.get().to_string(),
                    id,
                    &post.unwrap_or_default(),
                    &label.unwrap_or_default(),
                ])?,
                Content::Counter { account, name, value } => counters.add(&[
                    &time,
                    network,
                    account.native_id.as_str(),
                    name.as_str(),
                    &value.get().to_string(),
                    id,
                ])?,
                Content::Post { account, post, text, tags: _ } => {
                    posts.add(&[&time, network, account.native_id.as_str(), &post, &text, id])?;
                }
            }
        }
        bar.finish_and_clear();
        Ok([interactions.complete()?, counters.complete()?, posts.complete()?])
    }
}

// === impl Rows ===

impl<W: io::Write> Rows<W> {
    fn new(name: &'static str, columns: &[&str], output: W) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(output);
        writer.write_record(columns).map_err(cause)?;
        Ok(Self { name, writer, count: 0 })
    }

    fn add(&mut self, fields: &[&str]) -> io::Result<()> {
        self.count += 1;
        self.writer.write_record(fields).map_err(cause)
    }

    /// The output with all rows in it, its name, and how many rows there are.
    fn end(self) -> io::Result<(W, &'static str, u64)> {
        let Self { name, writer, count } = self;
        let output = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        Ok((output, name, count))
    }
}

impl Plain {
    fn create(folder: &Path, name: &'static str, columns: &[&str]) -> io::Result<Self> {
        Self::new(name, columns, begin(folder)?)
    }

    fn complete(self) -> io::Result<Complete> {
        let (output, name, count) = self.end()?;
        Ok(Complete { file: flushed(output)?, name, count })
    }
}

impl Packed {
    fn create(folder: &Path, name: &'static str, columns: &[&str]) -> io::Result<Self> {
        Self::new(name, columns, GzEncoder::new(begin(folder)?, Compression::fast()))
    }

    fn complete(self) -> io::Result<Complete> {
        let (output, name, count) = self.end()?;
        Ok(Complete { file: flushed(output.finish()?)?, name, count })
    }
}

fn begin(folder: &Path) -> io::Result<BufWriter<NamedTempFile>> {
    let mode = fs::Permissions::from_mode(READABLE);
    let file = tempfile::Builder::new().prefix(INCOMPLETE).permissions(mode).tempfile_in(folder)?;
    Ok(BufWriter::new(file))
}

fn flushed(output: BufWriter<NamedTempFile>) -> io::Result<NamedTempFile> {
    output.into_inner().map_err(io::IntoInnerError::into_error)
}

/// What went wrong below; turned into an [`io::Error`] by itself it would forget its kind.
fn cause(error: csv::Error) -> io::Error {
    let kind = error.into_kind();
    if let csv::ErrorKind::Io(error) = kind { error } else { io::Error::other(format!("{kind:?}")) }
}

fn not_written(folder: &Path, error: &io::Error) -> Failure {
    let hint = if error.kind() == io::ErrorKind::StorageFull {
        "is there room?"
    } else {
        "name another folder with --out"
    };
    Failure::Failed(format!("{} could not be written: {error}; {hint}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk without room.
    #[derive(Debug)]
    struct Full;

    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_a_full_disk_is_asked_for_room() {
        let mut rows = Rows::new("rows.csv", &["account"], Full).expect("they are held back");
        let account = "a".repeat(100_000);
        let error = rows.add(&[&account]).expect_err("there is no room");
        let said = |error: &io::Error| format!("{:?}", not_written(Path::new("world"), error));
        assert!(said(&error).contains("world could not be written"), "{}", said(&error));
        assert!(said(&error).contains("is there room?"), "{}", said(&error));
        let other = io::ErrorKind::ReadOnlyFilesystem.into();
        assert!(!said(&other).contains("room"), "{}", said(&other));
        assert!(said(&other).contains("--out"), "{}", said(&other));
    }
}
