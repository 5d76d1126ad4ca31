//! `klout doctor`: what is wrong on this machine, and the line that mends it.

mod numbers;

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use klout_embedded::{
    FREE_BYTES_MIN, Home, POSTGRES_VERSION_MIN, free_bytes, postgres_programs, redis_program,
    stray_stores,
};
use klout_proto::{graph::v1 as graph, score::v1 as score, signal::v1 as signal};
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    client::Client,
    data_directory::{DataDirectory, Endpoints, Use},
    doctor::numbers::Numbers,
    exit::{Failure, block_on},
    output, sample,
    settings::{Settings, host},
};

/// Files of a data directory that are nobody else's to read.
const SECRET_FILES: [&str; 3] = ["account.key", "token.secret", "operator.key"];

/// Looks whether everything is there that Klout needs on this machine, and whether what runs is well.
///
/// Each line says ok, note or bad; under a note or a bad stands what mends it. Ends with 1 if anything
/// is bad.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Looks at: Postgres and Redis (installed, which version), the data directory (disk, secrets, clock),
the ports, and, when a klout runs there, the health of each service, the key, the backlog of
signals, accounts and scores, how soon a change is in a score, and where scores are found.
With --server: whether that gateway answers, the key, and the backlog; the rest is told at /metrics
of each process behind it.")]
pub(crate) struct Doctor {
    /// The folder to look at [default: klout in the user's data folder]
    #[arg(long, value_name = "DIR", env = "KLOUT_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// A gateway to look at instead, such as http://127.0.0.1:8080
    #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
    server: Option<http::Uri>,
    /// The operator's key to show to --server; rather set KLOUT_KEY, which other users of the machine do
    /// not see
    #[arg(long, value_name = "KEY", env = "KLOUT_KEY", hide_env_values = true)]
    key: Option<String>,
    #[command(flatten)]
    settings: Settings,
}

/// What was looked at, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Finding {
    /// As it should be.
    Ok(String),
    /// Works, and may surprise; with what changes it.
    Note(String, String),
    /// Does not work; with what mends it.
    Bad(String, String),
}

// === impl Doctor ===

impl Doctor {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if let Some(server) = self.server {
            let key = self.key.unwrap_or_default();
            return tell(block_on(async { Ok(vec![backlog(server, &key).await]) })?);
        }
        let path = DataDirectory::path_or_default(self.data_dir)?;
        let configuration = self.settings.load(&host(), Vec::new())?;
        let own_stores = !configuration.is_set("stores.database_url")?;
        let mut findings = vec![postgres(own_stores), redis()];
        findings.extend(strays());
        match DataDirectory::existing(&path) {
            None => findings.push(Finding::Note(
                format!("nothing is stored in {}", path.display()),
                "klout up --sample".to_owned(),
            )),
            Some(directory) => {
                findings.extend(folder(&directory)?);
                findings.extend(block_on(process(&directory))?);
            }
        }
        tell(findings)
    }
}

/// Prints the findings, and fails if any is bad.
fn tell(findings: Vec<Finding>) -> Result<(), Failure> {
    let mut bad = 0;
    for finding in findings {
        bad += usize::from(matches!(finding, Finding::Bad(..)));
        finding.print()?;
    }
    match bad {
        0 => Ok(()),
        1 => Err(Failure::Failed("one thing is bad".to_owned())),
        bad => Err(Failure::Failed(format!("{bad} things are bad"))),
    }
}

// === impl Finding ===

impl Finding {
    fn print(&self) -> Result<(), Failure> {
        let (word, text, mend) = match self {
            Self::Ok(text) => ("ok", text, None),
            Self::Note(text, mend) => ("note", text, Some(mend)),
            Self::Bad(text, mend) => ("bad", text, Some(mend)),
        };
        output::line(&format!("{word:<5} {text}"))?;
        mend.map_or(Ok(()), |mend| output::line(&format!("      {mend}")))
    }
}

fn postgres(needed: bool) -> Finding {
    let programs = postgres_programs();
    let Some(newest) = programs.first() else {
        let text = "Postgres is not installed".to_owned();
        let mend = "apt-get install postgresql    or set DATABASE_URL".to_owned();
        return if needed { Finding::Bad(text, mend) } else { Finding::Note(text, mend) };
    };
    let text = format!("Postgres {} in {}", newest.version, newest.folder.display());
    if newest.version < POSTGRES_VERSION_MIN {
        let mend = format!("install version {POSTGRES_VERSION_MIN} or later");
        return Finding::Bad(format!("{text} is too old"), mend);
    }
    Finding::Ok(text)
}

fn redis() -> Finding {
    match redis_program() {
        Some(program) => Finding::Ok(format!("Redis at {}", program.display())),
        None => Finding::Note(
            "Redis is not installed: `klout up` caches scores in the memory of its process"
                .to_owned(),
            "apt-get install redis-server".to_owned(),
        ),
    }
}

/// Stores whose data directory was removed.
fn strays() -> impl Iterator<Item = Finding> {
    stray_stores().into_iter().map(|stray| {
        let text = format!("the data directory of {} is not there", stray.display());
        Finding::Note(text, format!("rm -r {}    unless it comes back", stray.display()))
    })
}

fn folder(directory: &DataDirectory) -> Result<Vec<Finding>, Failure> {
    let path = directory.path();
    let mut findings = vec![Finding::Ok(format!("data in {}", path.display()))];
    findings.push(disk(&Home::stores_of(path))?);
    for name in SECRET_FILES {
        let file = path.join(name);
        let Ok(metadata) = fs::metadata(&file) else { continue };
        if metadata.permissions().mode() & 0o077 != 0 {
            let text = format!("{} can be read by others", file.display());
            findings.push(Finding::Bad(text, format!("chmod 600 {}", file.display())));
        }
    }
    if let Some(time) = directory.as_of()? {
        findings.push(Finding::Note(
            format!("the clock is pinned to {time}: later signals are refused"),
            "klout up --as-of now    lets it run".to_owned(),
        ));
    }
    if sample::is_unfinished(directory)? {
        findings.push(Finding::Note(
            "the sample was not loaded to its end".to_owned(),
            "klout up --sample    goes on with it".to_owned(),
        ));
    }
    Ok(findings)
}

fn disk(folder: &Path) -> Result<Finding, Failure> {
    let free = free_bytes(folder).map_err(|error| Failure::failed(&error))?;
    let text = format!("{} MiB are free on the disk of {}", free >> 20, folder.display());
    Ok(if free < FREE_BYTES_MIN {
        Finding::Bad(text, format!("make room for {} MiB at least", FREE_BYTES_MIN >> 20))
    } else {
        Finding::Ok(text)
    })
}

/// What runs there, or what stands in its way.
async fn process(directory: &DataDirectory) -> Result<Vec<Finding>, Failure> {
    Ok(match directory.in_use()? {
        Use::Free => ports(),
        Use::Busy { pid } => vec![Finding::Note(
            format!("the klout with pid {pid} is starting or stopping"),
            "look again in a moment".to_owned(),
        )],
        Use::Runs { pid, endpoints } => {
            let mut findings = vec![Finding::Ok(format!(
                "the klout with pid {pid} answers at {} and {}",
                endpoints.http, endpoints.grpc
            ))];
            findings.extend(health(&endpoints).await);
            let key = directory.operator_key()?;
            let server: http::Uri =
                endpoints.http.parse().map_err(|error| Failure::failed(&error))?;
            findings.push(backlog(server, &key).await);
            findings.extend(numbers(&endpoints, &key).await);
            findings
        }
    })
}

/// What the process tells of itself.
async fn numbers(endpoints: &Endpoints, key: &str) -> Vec<Finding> {
    match Numbers::ask(&endpoints.grpc, key).await {
        Ok(numbers) => numbers.findings(),
        Err(failure) => vec![Finding::Bad(
            format!("http://{}/metrics is not told: {failure}", endpoints.grpc),
            "look at the log of `klout up`".to_owned(),
        )],
    }
}

fn ports() -> Vec<Finding> {
    let mut findings = vec![Finding::Note(
        "nothing runs on it; commands start its stores for themselves".to_owned(),
        "klout up".to_owned(),
    )];
    for (port, flag) in [(8080, "--http"), (50051, "--grpc")] {
        if let Err(error) = TcpListener::bind(("127.0.0.1", port)) {
            findings.push(Finding::Note(
                format!("port {port} cannot be had: {error}"),
                format!("klout up {flag} 127.0.0.1:0    takes a free one"),
            ));
        }
    }
    findings
}

async fn health(endpoints: &Endpoints) -> Vec<Finding> {
    let log = "look at the log of `klout up`".to_owned();
    let channel = match Endpoint::from_shared(format!("http://{}", endpoints.grpc)) {
        Ok(endpoint) => endpoint.connect_lazy(),
        Err(error) => return vec![Finding::Bad(error.to_string(), log)],
    };
    let mut health = HealthClient::new(channel);
    let mut findings = Vec::new();
    for service in host().names() {
        let request = HealthCheckRequest { service: service.to_owned() };
        let finding = match health.check(request).await {
            Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => {
                Finding::Ok(format!("{service} serves"))
            }
            Ok(_) => Finding::Bad(format!("{service} does not serve"), log.clone()),
            Err(status) => Finding::Bad(
                format!("{service} does not answer: {}", status.message()),
                log.clone(),
            ),
        };
        findings.push(finding);
    }
    findings
}

/// How much is on its way. Also tells whether the key is taken.
async fn backlog(server: http::Uri, key: &str) -> Finding {
    match waiting(server, key).await {
        Ok(waiting) if waiting.iter().all(|(_, count)| *count == 0) => {
            Finding::Ok("everything taken in can be read as scores".to_owned())
        }
        Ok(waiting) => {
            let waiting = waiting.into_iter().filter(|(_, count)| *count > 0);
            let waiting: Vec<_> = waiting.map(|(what, count)| format!("{count} {what}")).collect();
            Finding::Note(
                format!("on its way: {}", waiting.join(", ")),
                "look again: it has to shrink; if people stay, a `klout rebuild` may have broken off: run it \
                 again; else the log of `klout up` says why"
                    .to_owned(),
            )
        }
        Err(failure) => Finding::Bad(
            format!("the gateway does not tell the backlog: {failure}"),
            "the log of `klout up` says why; a key that is refused is written anew by a new start"
                .to_owned(),
        ),
    }
}

async fn waiting(server: http::Uri, key: &str) -> Result<Vec<(&'static str, u64)>, Failure> {
    let client = Client::connect(server, key).await?;
    let signals = client.signals().get_backlog(signal::GetBacklogRequest {}).await?;
    let accounts = client.graph().get_backlog(graph::GetBacklogRequest {}).await?;
    let people = client.scores().get_backlog(score::GetBacklogRequest {}).await?;
    let (signals, accounts) = (signals.into_inner(), accounts.into_inner());
    let (for_topics, to_topics) = (signals.batches_for_topics, accounts.accounts_for_topics);
    Ok(vec![
        ("batches of signals", signals.batches.saturating_sub(for_topics)),
        ("accounts to announce", accounts.accounts.saturating_sub(to_topics)),
        ("people to score", people.into_inner().people),
        ("batches of signals to topics", for_topics),
        ("accounts to announce to topics", to_topics),
    ])
}
