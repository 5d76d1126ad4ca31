//! How fast a file of customers is looked up.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    time::Instant,
};

use klout_chassis::Running;

use super::{
    Figures,
    ground::{self, Ground, NETWORK, settings},
    serve::known_people,
};
use crate::{
    client::Client,
    exit::{Failure, block_on},
    lookup::{self, OUTCOMES, Parts},
    output,
    settings::host,
};

/// Of so many rows one has an account of a member; the others have an address that nobody has.
const ROWS_PER_MEMBER: u32 = 5;

/// Measures how fast a file of customers is looked up.
///
/// Does what `klout lookup customers.csv` does, with a key of a customer and at the gateway's own port, against all six
/// services in this process on a private, durable Postgres. Each row has an address in the clear, and every fifth an account
/// of a member too.
#[derive(Debug, clap::Args)]
pub(crate) struct LookupsBench {
    /// How many rows the file has
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=2_000_000))]
    rows: u32,
    /// How many members there are
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    people: u32,
    /// How often it is measured; the median is printed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=100))]
    runs: u8,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

/// Seconds of what is done with a file.
struct Run {
    sent: f64,
    looked_up: f64,
    fetched: f64,
}

// === impl LookupsBench ===

impl LookupsBench {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let folder = super::folder()?;
        let file = folder.path().join("customers.csv");
        self.write(&file).map_err(|error| Failure::failed(&error))?;
        let mut ground = Ground::start(folder.path())?;
        let runs = block_on(async {
            let database = ground.database().await?;
            let all = ground.services(host(), database, settings("lookups")).await?;
            let runs = self.measure(&all, &file, folder.path()).await?;
            all.stop().await.map_err(|error| Failure::failed(&error))?;
            Ok(runs)
        })?;

        let mut figures = Figures::default();
        let rows = f64::from(self.rows);
        let mut add = |name, figure: &dyn Fn(&Run) -> f64| {
            figures.add(name, runs.iter().map(figure).collect());
        };
        add("send_seconds", &|it| it.sent);
        add("look_up_seconds", &|it| it.looked_up);
        add("fetch_seconds", &|it| it.fetched);
        add("all_seconds", &Run::all);
        add("looked_up_rows_per_second", &|it| rows / it.looked_up);
        add("rows_per_second", &|it| rows / it.all());
        figures.print("lookups", self.json)
    }

    /// Writes the file.
    fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        writeln!(file, "key,email,network,native_id")?;
        for row in 0..self.rows {
            write!(file, "{row},customer-{row}@mail.example")?;
            if row % ROWS_PER_MEMBER == 0 {
                writeln!(file, ",{NETWORK},{}", row / ROWS_PER_MEMBER % self.people)?;
            } else {
                writeln!(file, ",,")?;
            }
        }
        file.flush()
    }

    async fn measure(
        &self,
        all: &Running,
        file: &Path,
        folder: &Path,
    ) -> Result<Vec<Run>, Failure> {
        known_people(self.people, all).await?;
        let key = ground::customers_key(all, &["lookups"]).await?;
        let server = format!("http://{}", ground::rest_address(all)?);
        let server =
            server.parse().map_err(|error| Failure::Failed(format!("{server}: {error}")))?;
        let client = Client::connect(server, &key).await?;
        let mut runs = Vec::new();
        for number in 1..=self.runs {
            let out = folder.join(format!("found-{number}"));
            std::fs::create_dir_all(&out).map_err(|error| Failure::failed(&error))?;
            let run = self.look_up(&client, file, &out).await?;
            let Run { sent, looked_up, fetched } = run;
            eprintln!(
                "klout: run {number}: sent in {sent:.1} s, looked up in {looked_up:.1} s, fetched in {fetched:.1} s"
            );
            runs.push(run);
        }
        Ok(runs)
    }

    async fn look_up(&self, client: &Client, file: &Path, out: &Path) -> Result<Run, Failure> {
        let started = Instant::now();
        let parts = Parts::of(file).map_err(|error| Failure::failed(&error))?;
        let job = lookup::create(client, None).await?;
        lookup::send(client, &job, &parts).await?;
        let job = lookup::close(client, &job.job).await?;
        let sent = started.elapsed();
        let job = lookup::until_done(client, job).await?;
        let looked_up = started.elapsed();
        let members = i64::from(self.rows.div_ceil(ROWS_PER_MEMBER));
        if (job.matched, job.failed) != (members, 0) {
            let (found, failed) = (output::grouped(job.matched), output::grouped(job.failed));
            return Err(Failure::Failed(format!(
                "{found} rows were found and {failed} failed, and {} are of members",
                output::grouped(members)
            )));
        }
        for outcome in OUTCOMES {
            lookup::fetch(client, &job, outcome, &out.join(outcome)).await?;
        }
        let fetched = started.elapsed();
        Ok(Run {
            sent: sent.as_secs_f64(),
            looked_up: (looked_up - sent).as_secs_f64(),
            fetched: (fetched - looked_up).as_secs_f64(),
        })
    }
}

// === impl Run ===

impl Run {
    fn all(&self) -> f64 {
        self.sent + self.looked_up + self.fetched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fifth_row_has_an_account_of_somebody() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("customers.csv");
        let bench = LookupsBench { rows: 11, people: 2, runs: 1, json: false };
        bench.write(&file).expect("written");
        let written = std::fs::read_to_string(file).expect("read");
        let rows: Vec<_> = written.lines().collect();
        assert_eq!((rows.len(), rows[0]), (12, "key,email,network,native_id"));
        assert_eq!(rows[1], "0,customer-0@mail.example,bluesky,0");
        assert_eq!(rows[2], "1,customer-1@mail.example,,");
        assert_eq!(rows[11], "10,customer-10@mail.example,bluesky,0");
    }
}
