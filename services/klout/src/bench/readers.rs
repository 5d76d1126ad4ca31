//! How fast files are read, before anything is done with what they say.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use klout_import::{CsvSignals, Dump, EachLine, Found, Input, ReadError, SignalReader, dumps};

use super::Figures;
use crate::exit::Failure;

/// Measures the readers of `klout import` alone, over made-up files that lie in memory or in the cache
/// of the system: rows a second, from bytes to signals.
#[derive(Debug, clap::Args)]
pub(crate) struct Readers {
    /// Rows of each file; of the dump, rows of all its files together
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(10..))]
    rows: u32,
    /// How often each is measured; the median is printed
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    runs: u8,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

/// The files, in a folder of their own.
struct Files {
    csv: PathBuf,
    signals: PathBuf,
    hour: PathBuf,
    dump: PathBuf,
}

// === impl Readers ===

impl Readers {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let folder = tempfile::tempdir().map_err(|error| Failure::failed(&error))?;
        let files = Files::write(folder.path(), self.rows)
            .map_err(|error| Failure::Failed(format!("could not write made-up files: {error}")))?;
        let [mut csv, mut signals, mut hour, mut dump] = [const { Vec::new() }; 4];
        for _ in 0..self.runs {
            csv.push(self.rate(one(CsvSignals::new(Input::open(&files.csv).map_err(failed)?)))?);
            let input = Input::open(&files.signals).map_err(failed)?;
            signals.push(self.rate(one(EachLine::of_signals(input)))?);
            hour.push(
                self.rate(one(EachLine::of_gharchive(Input::open(&files.hour).map_err(failed)?)))?,
            );
            let found = dumps(std::slice::from_ref(&files.dump), None).map_err(failed)?;
            dump.push(self.rate(found.into_iter().flat_map(Dump::readers))?);
        }
        let mut figures = Figures::default();
        figures.add("csv_rows_per_second", csv);
        figures.add("signals_rows_per_second", signals);
        figures.add("stackexchange_rows_per_second", dump);
        figures.add("gharchive_rows_per_second", hour);
        figures.print("readers", self.json)
    }

    /// Reads everything, and returns how many rows that were a second.
    fn rate(
        &self,
        readers: impl Iterator<Item = Result<Box<dyn SignalReader>, ReadError>>,
    ) -> Result<f64, Failure> {
        let started = Instant::now();
        let mut signals = 0_u64;
        for reader in readers {
            let mut reader = reader.map_err(failed)?;
            while let Some(entry) = reader.next_entry().map_err(failed)? {
                signals += u64::from(matches!(entry.found, Found::Signal(_)));
            }
        }
        if signals == 0 {
            return Err(Failure::Failed("the made-up files hold no signals".to_owned()));
        }
        Ok(f64::from(self.rows) / started.elapsed().as_secs_f64())
    }
}

fn failed(error: ReadError) -> Failure {
    Failure::failed(&error)
}

fn one<R: SignalReader + 'static>(
    reader: Result<R, ReadError>,
) -> impl Iterator<Item = Result<Box<dyn SignalReader>, ReadError>> {
    std::iter::once(reader.map(|reader| -> Box<dyn SignalReader> { Box::new(reader) }))
}

// === impl Files ===

impl Files {
    fn write(folder: &Path, rows: u32) -> std::io::Result<Self> {
        let files = Self {
            csv: folder.join("interactions.csv"),
            signals: folder.join("signals.jsonl"),
            hour: folder.join("hour.json"),
            dump: folder.join("made-up"),
        };
        let mut csv = create(&files.csv)?;
        let mut signals = create(&files.signals)?;
        let mut hour = create(&files.hour)?;
        writeln!(csv, "time,network,actor,subject,kind,count")?;
        for row in 0..rows {
            // Multiples of primes spread well enough, and are the same every time.
            let (actor, subject) =
                (row.wrapping_mul(7_919) % 50_000, row.wrapping_mul(104_729) % 9_973);
            let time = format!("2018-05-{:02}T08:{:02}:{:02}Z", 1 + row % 28, row % 60, row % 59);
            writeln!(csv, "{time},bluesky,actor-{actor},subject-{subject},like,1")?;
            writeln!(
                signals,
                r#"{{"network":"bluesky","signalId":"{row}","time":"{time}","interaction":{{"actor":{{"nativeId":"actor-{actor}"}},"subject":{{"nativeId":"subject-{subject}"}},"kind":"like"}}}}"#
            )?;
            writeln!(
                hour,
                r#"{{"id":"{row}","type":"WatchEvent","actor":{{"id":{actor},"login":"actor-{actor}"}},"repo":{{"id":{subject},"name":"subject-{subject}/project"}},"payload":{{"action":"started"}},"public":true,"created_at":"{time}"}}"#
            )?;
        }
        for mut file in [csv, signals, hour] {
            file.flush()?;
        }
        files.write_dump(rows / 10)?;
        Ok(files)
    }

    /// For each user a post, three comments and five votes, with texts as long as real ones.
    fn write_dump(&self, users: u32) -> std::io::Result<()> {
        std::fs::create_dir(&self.dump)?;
        let date = r#"CreationDate="2018-05-01T10:00:00.567""#;
        let text = "&lt;p&gt;A made-up text. ".repeat(40);
        let write = |name: &str, of_user: u32, row: &dyn Fn(u32) -> String| {
            let mut file = create(&self.dump.join(name))?;
            let root = name.trim_end_matches(".xml").to_ascii_lowercase();
            writeln!(file, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<{root}>")?;
            for id in 1..=users * of_user {
                writeln!(file, "  <row Id=\"{id}\" {} />", row(id))?;
            }
            writeln!(file, "</{root}>")?;
            file.flush()
        };
        let someone = |id: u32| 1 + id.wrapping_mul(7_919) % users;
        write("Users.xml", 1, &|id| format!(r#"DisplayName="User {id}" AboutMe="{text}""#))?;
        write("Posts.xml", 1, &|id| {
            let owner = someone(id);
            let kind = if id % 2 == 0 {
                format!(r#"PostTypeId="2" ParentId="{}""#, id - 1)
            } else {
                r#"PostTypeId="1" Tags="&lt;rust&gt;&lt;xml&gt;""#.to_owned()
            };
            format!(r#"{kind} {date} Body="{text}" OwnerUserId="{owner}""#)
        })?;
        write("Comments.xml", 3, &|id| {
            let (post, user) = (someone(id), someone(id + 1));
            format!(r#"PostId="{post}" Score="0" Text="{}" {date} UserId="{user}""#, &text[..150])
        })?;
        write("Votes.xml", 5, &|id| {
            format!(r#"PostId="{}" VoteTypeId="{}" {date}"#, someone(id), 1 + id % 3)
        })
    }
}

fn create(path: &Path) -> std::io::Result<BufWriter<File>> {
    File::create_new(path).map(BufWriter::new)
}
