//! `klout lookup`: a file of customers, and who they are.

mod parts;
mod rows;

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use indicatif::ProgressBar;
use klout_import::Input;
use klout_proto::{
    json::to_value,
    profile::v1::{
        CloseLookupJobRequest, CreateLookupJobRequest, DownloadLookupRowsRequest,
        GetLookupJobRequest, LookupJob, LookupPart, UploadLookupRowsRequest,
        upload_lookup_rows_request::Piece,
    },
};
use tempfile::NamedTempFile;
use tonic::Status;
use uuid::Uuid;

pub(crate) use self::parts::Parts;
use self::rows::RowsFile;
use crate::{
    client::{Client, Missing, Target, may_recover, retried},
    exit::Failure,
    output,
};

/// Bytes of a file that a job takes.
const FILE_BYTES_MAX: u64 = 150_000_000;

/// Bytes of one message of a part.
const MESSAGE_BYTES: usize = 256 * 1024;

/// How often it is asked how far a job is.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How often a download that breaks off is gone on with, without a row in between.
const TRIES_MAX: u32 = 12;

/// What comes out of a job, a file each.
pub(crate) const OUTCOMES: [&str; 3] = ["results", "unmatched", "failed"];

/// Looks up a file of customers.
///
/// Sends it in parts, waits until it is looked up, and fetches three files: who was found, with their scores; who was not;
/// and rows that could not be read, with the reason. Scores are those of now. Addresses and numbers are hashed where they
/// arrive and are not kept. A job is kept for seven days: with --job it is gone on with, wherever it was.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
FILE is CSV in UTF-8 with commas and a header, plain or gzip, of at most 150 MB unpacked and 2,000,000 rows; - reads from
stdin. Columns, in any order, others beside them:
  key                    what you call a customer; it comes back with what was found [default: the number of the row]
  email                  an address                  email_sha256           its hash
  phone                  with the country code       phone_sha256           its hash
  loyalty_number         PROGRAM:NUMBER              loyalty_number_sha256  its hash
  network, handle        an account, or network, native_id
  person                 a person
A hash is the SHA-256 of what is written one way, as 64 hexadecimal digits: an address trimmed and in lower case; a number
as E.164 has it; PROGRAM:NUMBER with the programme in lower case and the number without spaces in upper case. Hashes count
where nothing is given in the clear. Who is named by hashes alone comes with a score, and without saying who it is.

Examples:
  klout lookup customers.csv
  klout lookup customers.csv --out found --min-likelihood 0.98
  klout lookup customers.csv --job 1234567890
  klout lookup - < customers.csv.gz")]
pub(crate) struct LookUpFile {
    /// The customers; - reads from stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder that files are written to
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// How likely it has to be that somebody is meant, 0 to 1 [default: 0.95]
    #[arg(long, value_name = "LIKELIHOOD")]
    min_likelihood: Option<f64>,
    /// Goes on with a job after an interruption
    #[arg(long, value_name = "JOB", conflicts_with = "min_likelihood")]
    job: Option<String>,
    /// Prints the job as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl LookUpFile ===

impl LookUpFile {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self { file, out, min_likelihood, job, json, target } = self;
        let unreadable =
            |error: &dyn std::fmt::Display| Failure::Failed(format!("{}: {error}", file.display()));
        let rows = unpacked(&file)?;
        let parts = Parts::of(rows.path()).map_err(|error| unreadable(&error))?;
        fs::create_dir_all(&out)
            .map_err(|error| Failure::Failed(format!("{}: {error}", out.display())))?;
        let stem = stem(&file);
        let path = |outcome: &str| out.join(format!("{stem}-{outcome}.csv"));
        let job = target.ask(Missing::Refuse, async |client| {
            let job = match &job {
                Some(job) => get(client, job).await?,
                None => create(client, min_likelihood).await?,
            };
            let (id, file) = (&job.job, file.display());
            eprintln!("klout: job {id}; after an interruption: klout lookup {file} --job {id}");
            let job = if job.state == "OPEN" {
                send(client, &job, &parts).await?;
                close(client, &job.job).await?
            } else {
                job
            };
            let job = until_done(client, job).await?;
            for outcome in OUTCOMES {
                fetch(client, &job, outcome, &path(outcome)).await?;
            }
            Ok(job)
        })?;
        if json {
            return output::line(&to_value(&job).to_string());
        }
        let LookupJob { rows, matched, unmatched, failed, .. } = job;
        let [rows, matched, unmatched, failed] =
            [rows, matched, unmatched, failed].map(output::grouped);
        output::line(&format!("{rows} rows: {matched} found, {unmatched} not, {failed} failed"))?;
        OUTCOMES.iter().try_for_each(|outcome| output::line(&path(outcome).display().to_string()))
    }
}

/// The rows of a file, unpacked, where they can be read again and again.
fn unpacked(file: &Path) -> Result<NamedTempFile, Failure> {
    let input = Input::open(file).map_err(|error| Failure::failed(&error))?;
    let mut rows = NamedTempFile::new().map_err(|error| Failure::failed(&error))?;
    let copied = io::copy(&mut input.take(FILE_BYTES_MAX + 1), &mut rows);
    match copied {
        Ok(length) if length <= FILE_BYTES_MAX => Ok(rows),
        Ok(_) => Err(Failure::Failed(format!(
            "{}: is longer than 150 MB; split it, with the header in each piece",
            file.display()
        ))),
        Err(error) => Err(Failure::Failed(format!("{}: {error}", file.display()))),
    }
}

/// What names of files begin with that come out: `customers` of `customers.csv.gz`.
fn stem(file: &Path) -> String {
    if file.as_os_str() == "-" {
        return "stdin".to_owned();
    }
    let plain = if file.extension().is_some_and(|it| it == "gz") {
        file.with_extension("")
    } else {
        file.to_owned()
    };
    plain.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

pub(crate) async fn create(
    client: &Client,
    min_likelihood: Option<f64>,
) -> Result<LookupJob, Failure> {
    let request_id = Uuid::new_v4().to_string();
    let created = retried(|| {
        let mut lookups = client.lookups();
        let request = CreateLookupJobRequest { min_likelihood, request_id: request_id.clone() };
        async move { lookups.create_lookup_job(request).await }
    });
    let created = created.await.map_err(Failure::naming(&[("min_likelihood", "--min-likelihood")]));
    there(created?.into_inner().job)
}

async fn get(client: &Client, job: &str) -> Result<LookupJob, Failure> {
    let found = retried(|| {
        let mut lookups = client.lookups();
        let request = GetLookupJobRequest { job: job.to_owned() };
        async move { lookups.get_lookup_job(request).await }
    });
    there(found.await?.into_inner().job)
}

pub(crate) async fn close(client: &Client, job: &str) -> Result<LookupJob, Failure> {
    let closed = retried(|| {
        let mut lookups = client.lookups();
        let request = CloseLookupJobRequest { job: job.to_owned() };
        async move { lookups.close_lookup_job(request).await }
    });
    there(closed.await?.into_inner().job)
}

fn there(job: Option<LookupJob>) -> Result<LookupJob, Failure> {
    job.ok_or_else(|| Failure::Failed("the server answered without a job".to_owned()))
}

/// Sends the parts that are not there, and the last that is once more: it is refused if the file is another one now.
pub(crate) async fn send(client: &Client, job: &LookupJob, parts: &Parts) -> Result<(), Failure> {
    let there = usize::try_from(job.parts).unwrap_or_default();
    // Of rows: the header, which each part repeats, is not counted.
    let bytes = parts.iter().take(there).map(|part| part.end - part.start).sum::<u64>();
    if bytes != u64::try_from(job.bytes).unwrap_or_default() {
        return Err(Failure::Failed(format!(
            "job {} was begun with another file: go on with that one, or leave --job out",
            job.job
        )));
    }
    let bar = output::progress(
        Some(parts.iter().map(|part| parts.length(part)).sum()),
        "sending [{bar:30}] {bytes}/{total_bytes} {eta} left",
    );
    for (number, part) in (1..).zip(parts.iter()) {
        if usize::try_from(number).is_ok_and(|it| it < there) {
            bar.inc(parts.length(part));
            continue;
        }
        let failed = |error| Failure::Failed(format!("the file could not be read: {error}"));
        let csv = parts.read(part).map_err(failed)?;
        retried(|| upload(client, job.job.clone(), number, csv.clone(), &bar)).await?;
    }
    bar.finish_and_clear();
    Ok(())
}

async fn upload(
    client: &Client,
    job: String,
    part: i32,
    csv: Vec<u8>,
    bar: &ProgressBar,
) -> Result<(), Status> {
    let began = bar.position();
    let first = Piece::Part(LookupPart { job, part });
    let counting = bar.clone();
    let pieces: Vec<Vec<u8>> = csv.chunks(MESSAGE_BYTES).map(<[u8]>::to_vec).collect();
    let rest = stream::iter(pieces).map(move |csv| {
        counting.inc(csv.len() as u64);
        Piece::Csv(csv)
    });
    let pieces = stream::iter([first]).chain(rest);
    let messages = pieces.map(|piece| UploadLookupRowsRequest { piece: Some(piece) });
    let sent = client.lookups().upload_lookup_rows(messages).await;
    if sent.is_err() {
        bar.set_position(began);
    }
    sent.map(|_| ())
}

pub(crate) async fn until_done(client: &Client, mut job: LookupJob) -> Result<LookupJob, Failure> {
    let rows = u64::try_from(job.rows).unwrap_or_default();
    let bar = output::progress(Some(rows), "looking up [{bar:30}] {pos}/{len} rows {eta} left");
    while job.state != "DONE" {
        tokio::time::sleep(POLL_INTERVAL).await;
        job = get(client, &job.job).await?;
        bar.set_position(u64::try_from(job.looked_up).unwrap_or_default());
    }
    bar.finish_and_clear();
    Ok(job)
}

/// Fetches a file, or what is not there yet of it.
pub(crate) async fn fetch(
    client: &Client,
    job: &LookupJob,
    outcome: &str,
    path: &Path,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", path.display()));
    let bar = output::progress(None, &format!("fetching {outcome}: {{bytes}} {{bytes_per_sec}}"));
    let (mut tries, mut before) = (0, None);
    loop {
        let mut file = RowsFile::open(path, &job.job).map_err(failed)?;
        let request = DownloadLookupRowsRequest {
            job: job.job.clone(),
            outcome: outcome.to_owned(),
            skip: file.last_row(),
        };
        let fetched = async {
            let mut rows = client.lookups().download_lookup_rows(request).await?.into_inner();
            while let Some(message) = rows.message().await? {
                bar.inc(message.csv.len() as u64);
                file.write_all(&message.csv).map_err(|error| Stopped::Here(failed(error)))?;
            }
            Ok::<_, Stopped>(())
        };
        match fetched.await {
            Ok(()) => {
                bar.finish_and_clear();
                return file.keep().map_err(failed);
            }
            Err(Stopped::There(status)) if may_recover(&status) && tries < TRIES_MAX => {
                file.flush().map_err(failed)?;
                let is_further = before.is_some_and(|before| before < file.last_row());
                tries = if is_further { 0 } else { tries + 1 };
                before = Some(file.last_row());
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            Err(Stopped::There(status)) => return Err(status.into()),
            Err(Stopped::Here(failure)) => return Err(failure),
        }
    }
}

/// Why a download stopped.
enum Stopped {
    There(Status),
    Here(Failure),
}

impl From<Status> for Stopped {
    fn from(status: Status) -> Self {
        Self::There(status)
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn what_comes_out_is_called_like_what_went_in_packed_or_not() {
        for (file, expected) in
            [("a/customers.csv", "customers"), ("customers.csv.gz", "customers"), ("-", "stdin")]
        {
            assert_eq!(stem(Path::new(file)), expected);
        }
    }

    #[test]
    fn a_packed_file_is_unpacked_and_one_that_unpacks_to_too_much_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let packed = |name: &str, bytes: &mut dyn io::Read| {
            let path = folder.path().join(name);
            let file = fs::File::create(&path).expect("a file");
            let mut encoder = GzEncoder::new(file, Compression::fast());
            io::copy(bytes, &mut encoder).expect("packed");
            encoder.finish().expect("packed");
            path
        };
        let small = packed("small.csv.gz", &mut &b"key,email\n1,a@example.org\n"[..]);
        let rows = unpacked(&small).expect("unpacked");
        assert_eq!(fs::read_to_string(rows.path()).expect("read"), "key,email\n1,a@example.org\n");

        let bomb = packed("bomb.csv.gz", &mut io::repeat(b'x').take(FILE_BYTES_MAX + 1));
        let told = unpacked(&bomb).err().map(|it| it.to_string());
        assert!(told.is_some_and(|it| it.contains("longer than 150 MB")));
    }
}
