//! Private stores for tests: a Postgres and a Redis of our own on free ports of 127.0.0.1, stopped
//! when they are dropped, and by the kernel when we are killed.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::job;

/// How long a store may take to answer after it was started.
const START_TIME_MAX: Duration = Duration::from_secs(60);

/// How often a store is started anew, when somebody else took its port first.
const START_ATTEMPTS: usize = 3;

/// Who Postgres runs as when we are root, which it refuses to run as; the first that exists.
const UNPRIVILEGED_USERS: [&str; 2] = ["postgres", "nobody"];

/// The folder that the stores keep their files in.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    /// Whether what is written has to survive the machine.
    durable: bool,
    /// Removed when dropped, after the stores were stopped.
    _temporary: Option<TempDir>,
}

/// A Postgres that runs until it is dropped.
#[derive(Debug)]
pub struct Postgres {
    child: Child,
    port: u16,
    programs: PathBuf,
}

/// A Redis that runs until it is dropped. It keeps nothing.
#[derive(Debug)]
pub struct Redis {
    child: Child,
    port: u16,
}

// === impl Home ===

impl Home {
    /// Thrown away in the end.
    ///
    /// # Errors
    ///
    /// When there is no place for temporary files.
    pub fn temporary() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("klout-stores-").tempdir()?;
        Ok(Self { path: folder.path().to_owned(), durable: false, _temporary: Some(folder) })
    }

    /// Kept, and written durably.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made.
    pub fn kept(path: PathBuf) -> Result<Self> {
        fs::create_dir_all(&path)
            .with_context(|| format!("could not make the folder {}", path.display()))?;
        Ok(Self { path: path.canonicalize()?, durable: true, _temporary: None })
    }
}

// === impl Postgres ===

impl Postgres {
    /// The folder with `initdb` and `postgres`: on the path, or the newest of the distribution.
    #[must_use]
    pub fn programs() -> Option<PathBuf> {
        if let Some(initdb) = find("initdb") {
            // A link on the path does not say where its companions are.
            return initdb.canonicalize().ok()?.parent().map(Path::to_owned);
        }
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        let version = |path: &PathBuf| -> Option<u32> { path.file_name()?.to_str()?.parse().ok() };
        let newest = versions.flatten().map(|entry| entry.path()).max_by_key(version)?;
        let programs = newest.join("bin");
        programs.join("initdb").exists().then_some(programs)
    }

    /// Starts one on a free port, with a user `postgres` that needs no password.
    ///
    /// # Errors
    ///
    /// When its programs are missing or it does not answer in time.
    pub fn start(home: &Home) -> Result<Self> {
        let programs = Self::programs().context("Postgres' programs are not found")?;
        let data = home.path.join("postgres");
        if !data.join("PG_VERSION").exists() {
            fs::create_dir_all(&data)?;
            give_to_unprivileged(&home.path, &data)?;
            let mut initdb = unprivileged(&programs.join("initdb"));
            initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"]);
            initdb.args(["--no-sync", "-D"]).arg(&data).stdout(Stdio::null());
            ensure!(
                initdb.status()?.success(),
                "initdb failed in {}{}",
                data.display(),
                unprivileged_user().map_or_else(String::new, |user| format!(
                    "; it runs as `{user}`, who has to be able to enter that folder"
                ))
            );
        }
        let (child, port) = start("Postgres", |port| {
            let mut command = unprivileged(&programs.join("postgres"));
            command.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1"]);
            command.args(["-c", &format!("port={port}"), "-c", "unix_socket_directories="]);
            // Every test has connections of its own, and many run at once.
            command.args(["-c", "max_connections=400"]);
            // What it has to say is for people: this leaves only what stops it.
            command.args(["-c", "log_min_messages=fatal"]);
            if !home.durable {
                command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
            }
            let state = data.join("postmaster.pid");
            (command, move |child: &Child| {
                let state = fs::read_to_string(&state).unwrap_or_default();
                let line = |number: usize| state.lines().nth(number).unwrap_or_default().trim();
                line(0) == child.id().to_string() && line(7) == "ready"
            })
        })?;
        Ok(Self { child, port, programs })
    }

    /// # Errors
    ///
    /// When Postgres refuses. That there is one of that name already is no error.
    pub fn create_database(&self, name: &str) -> Result<()> {
        let mut psql = self.psql("postgres");
        let exists = psql
            .args(["-tAc", &format!("select 1 from pg_database where datname = '{name}'")])
            .output()?;
        if exists.stdout.starts_with(b"1") {
            return Ok(());
        }
        let created =
            self.psql("postgres").args(["-c", &format!("create database {name}")]).status()?;
        ensure!(created.success(), "could not create the database {name}");
        Ok(())
    }

    /// Its `psql`, on one database, stopping at the first error.
    #[must_use]
    pub fn psql(&self, database: &str) -> Command {
        let program = self.programs.join("psql");
        let mut psql = Command::new(if program.exists() { program } else { "psql".into() });
        psql.args(["--quiet", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", &self.url(database)]);
        psql
    }

    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// # Errors
    ///
    /// When it has ended by itself.
    pub fn still_runs(&mut self) -> Result<()> {
        still_runs(&mut self.child, "Postgres")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its fast shutdown: nobody's transaction is waited for.
        stop(&mut self.child, Signal::INT);
    }
}

// === impl Redis ===

impl Redis {
    /// `redis-server`, or `valkey-server`, which is the same to us.
    #[must_use]
    pub fn program() -> Option<PathBuf> {
        find("redis-server").or_else(|| find("valkey-server"))
    }

    /// Starts one on a free port.
    ///
    /// # Errors
    ///
    /// When its program is missing or it does not answer in time.
    pub fn start(home: &Home) -> Result<Self> {
        let program = Self::program().context("redis-server is not found")?;
        let (child, port) = start("Redis", |port| {
            let mut command = ended_with_us(&program);
            command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
            command.args(["--save", "", "--appendonly", "no", "--loglevel", "warning"]);
            command.arg("--dir").arg(&home.path);
            (command, move |_: &Child| TcpStream::connect(("127.0.0.1", port)).is_ok())
        })?;
        Ok(Self { child, port })
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// # Errors
    ///
    /// When it has ended by itself.
    pub fn still_runs(&mut self) -> Result<()> {
        still_runs(&mut self.child, "Redis")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        stop(&mut self.child, Signal::TERM);
    }
}

/// A program on the path.
fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Starts a server on a free port and waits until it answers. `server` makes, for a port, its
/// command and the question whether it answers.
fn start<A>(name: &str, server: impl Fn(u16) -> (Command, A)) -> Result<(Child, u16)>
where
    A: Fn(&Child) -> bool,
{
    for _ in 0..START_ATTEMPTS {
        let port = free_port()?;
        let (mut command, answers) = server(port);
        let mut child = command
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        let end = Instant::now() + START_TIME_MAX;
        while still_runs(&mut child, name).is_ok() {
            // Asked in this order, because whoever took the port may answer too.
            if answers(&child) && still_runs(&mut child, name).is_ok() {
                return Ok((child, port));
            }
            if Instant::now() > end {
                stop(&mut child, Signal::TERM);
                bail!("{name} did not answer within {START_TIME_MAX:?}");
            }
            job::pause();
        }
    }
    bail!("{name} ended by itself {START_ATTEMPTS} times; what it said is above")
}

/// Asked of the system and given back: somebody else may take it in between.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A command that the kernel ends when we are killed, where `setpriv` can ask for that.
fn ended_with_us(program: &Path) -> Command {
    if find("setpriv").is_none() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]).arg(program);
    command
}

/// The same, as an ordinary user when we are root.
fn unprivileged(program: &Path) -> Command {
    let user = match unprivileged_user() {
        Some(user) if find("setpriv").is_some() => user,
        Some(_) | None => return ended_with_us(program),
    };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--init-groups", "--reset-env", "--pdeathsig", "INT"]);
    command.arg(program).current_dir("/");
    command
}

fn unprivileged_user() -> Option<&'static str> {
    let exists = |user: &&str| {
        let id = Command::new("id").arg(user).stdout(Stdio::null()).stderr(Stdio::null()).status();
        id.is_ok_and(|status| status.success())
    };
    rustix::process::geteuid().is_root().then(|| UNPRIVILEGED_USERS.into_iter().find(exists))?
}

/// Lets the unprivileged user pass `home` and own `data`.
fn give_to_unprivileged(home: &Path, data: &Path) -> Result<()> {
    let Some(user) = unprivileged_user() else { return Ok(()) };
    for command in [
        Command::new("chmod").arg("a+x").arg(home),
        Command::new("chown").arg("-R").arg(user).arg(data),
    ] {
        ensure!(command.status()?.success(), "could not give {} to {user}", data.display());
    }
    Ok(())
}

fn still_runs(child: &mut Child, name: &str) -> Result<()> {
    match child.try_wait()? {
        Some(status) => bail!("{name} ended by itself ({status})"),
        None => Ok(()),
    }
}

fn stop(child: &mut Child, signal: Signal) {
    job::terminate(child, signal);
    // An error means that it has already ended.
    let _ = child.wait();
}
