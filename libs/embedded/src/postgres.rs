//! A cluster of Postgres: made once, run on a Unix socket.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use rustix::process::Signal;

use crate::{
    error::Error,
    home::Home,
    keeper::Parent,
    programs::{POSTGRES_VERSION_MIN, PostgresPrograms, postgres_programs},
    server::{PAUSE, Store},
    user,
};

/// Its log, among those of the home.
const LOG: &str = "postgres";

/// How many seconds an orphan may take to stop.
const ORPHAN_SECONDS_MAX: &str = "60";

#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    home: Home,
    programs: PostgresPrograms,
    throwaway: bool,
}

// === impl Postgres ===

impl Postgres {
    /// Makes the cluster if there is none, and ends whatever still runs on it.
    pub(crate) fn prepare(home: &Home, throwaway: bool, parent: &Parent) -> Result<Self, Error> {
        let data = home.postgres_data();
        let programs = programs_for(&data)?;
        let postgres = Self { home: home.clone(), programs, throwaway };
        home.check_room()?;
        postgres.stop_orphan(parent)?;
        if !data.join("PG_VERSION").exists() {
            postgres.make_cluster(&data, parent)?;
        }
        Ok(postgres)
    }

    /// Makes a cluster beside its place and puts it there when it is whole, so that a process that
    /// dies in between leaves nothing that looks like one.
    fn make_cluster(&self, data: &Path, parent: &Parent) -> Result<(), Error> {
        for leftover in leftovers(&self.home.stores)? {
            parent.note(
                "an earlier start was interrupted while it made the database; starting afresh",
            );
            // Where its program still writes, there is something left for the next start to remove.
            let _ = fs::remove_dir_all(&leftover);
        }
        let fresh = self.home.stores.join(format!("{FRESH}{}", std::process::id()));
        let mut initdb = self.program("initdb");
        initdb.args(["--auth=trust", "--username=klout", "--encoding=UTF8", "--locale=C", "-D"]);
        initdb.arg(&fresh);
        if self.throwaway {
            initdb.arg("--no-sync");
        }
        self.run(&mut initdb, "initdb", "", parent)?;
        let mut single = self.program("postgres");
        single.args(["--single", "-D"]).arg(&fresh).arg("postgres");
        self.run(&mut single, "making the database", "create database klout\n", parent)?;
        fs::rename(&fresh, data).map_err(Error::file("move", &fresh))
    }

    /// Ends a Postgres whose keeper was killed before it could do so.
    fn stop_orphan(&self, parent: &Parent) -> Result<(), Error> {
        let data = self.home.postgres_data();
        let control = |verb: &[&str]| {
            let mut control = self.program("pg_ctl");
            control.args(verb).arg("-D").arg(&data);
            control.stdout(Stdio::null()).stderr(Stdio::null());
            let status = control.status();
            status.map_err(|source| Error::Run { program: control.get_program().into(), source })
        };
        if !data.join("postmaster.pid").exists() || !control(&["status"])?.success() {
            return Ok(());
        }
        parent.note("a Postgres of an earlier process still runs here; stopping it");
        let status = control(&["stop", "-m", "fast", "-w", "-t", ORPHAN_SECONDS_MAX])?;
        // One that was killed may be gone by itself in between.
        if status.success() || !control(&["status"])?.success() {
            return Ok(());
        }
        Err(Error::Failed { name: "stopping an earlier Postgres", status, said: self.said() })
    }

    fn program(&self, name: &str) -> Command {
        let program = self.programs.folder.join(name);
        user::command(&program, self.home.user.as_ref(), &self.home.stores)
    }

    /// Runs a program that ends by itself, unless nobody needs it any more.
    fn run(
        &self,
        command: &mut Command,
        name: &'static str,
        input: &str,
        parent: &Parent,
    ) -> Result<(), Error> {
        let log = self.home.open_log(LOG)?;
        let error_log = log.try_clone().map_err(Error::file("write", self.home.log(LOG)))?;
        command.stdin(Stdio::piped()).stdout(log).stderr(error_log);
        let mut child = command
            .spawn()
            .map_err(|source| Error::Run { program: command.get_program().into(), source })?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that ended already says why below.
            let _ = stdin.write_all(input.as_bytes());
        }
        loop {
            match child.try_wait().map_err(Error::file("wait for", name))? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(Error::Failed { name, status, said: self.said() }),
                None if parent.gone() => {
                    // What it made is thrown away by the next start.
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(Error::Unneeded);
                }
                None => thread::sleep(PAUSE),
            }
        }
    }
}

impl Store for Postgres {
    const NAME: &'static str = "Postgres";

    /// Its fast shutdown, which waits for nobody's transaction; then its immediate one.
    const SIGNALS: &'static [Signal] = &[Signal::INT, Signal::QUIT];

    fn command(&self) -> Result<Command, Error> {
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.home.postgres_data());
        // A list, whose entries may be quoted.
        let sockets = self.home.sockets.display().to_string().replace('"', "\"\"");
        let sockets = format!("unix_socket_directories=\"{sockets}\"");
        let mut set = |setting: &str| {
            command.args(["-c", setting]);
        };
        set("listen_addresses=");
        set(&sockets);
        // Only whoever may enter the folder gets in, and only its owner may.
        set("unix_socket_permissions=0700");
        // Six services with a pool each, and people who look; a connection that is not used is cheap.
        set("max_connections=400");
        set("log_min_messages=warning");
        set("log_checkpoints=off");
        // Queries here are short; compiling them would take longer than they do.
        set("jit=off");
        if self.throwaway {
            set("fsync=off");
            set("full_page_writes=off");
        }
        let log = self.home.open_log(LOG)?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Ok(command)
    }

    fn answers(&self, child: &Child) -> bool {
        // Of the eight lines that Postgres writes there, the first is its process and the last says
        // `ready` when it is.
        let state = fs::read_to_string(self.home.postgres_data().join("postmaster.pid"));
        let state = state.unwrap_or_default();
        let line = |number: usize| state.lines().nth(number).unwrap_or_default().trim();
        line(0) == child.id().to_string() && line(7) == "ready"
    }

    fn said(&self) -> String {
        self.home.said(LOG)
    }
}

/// How a cluster is called that is not whole yet.
const FRESH: &str = "postgres.new-";

fn leftovers(stores: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(stores).map_err(Error::file("look into", stores))?;
    let names = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(FRESH)));
    Ok(names.map(|entry| entry.path()).collect())
}

/// The programs that can open the cluster in `data`, or make one there.
fn programs_for(data: &Path) -> Result<PostgresPrograms, Error> {
    let installed = postgres_programs();
    let newest = installed.first().cloned().ok_or(Error::PostgresMissing)?;
    let written: Option<u32> =
        fs::read_to_string(data.join("PG_VERSION")).ok().and_then(|it| it.trim().parse().ok());
    if let Some(wanted) = written {
        let found = installed.into_iter().find(|programs| programs.version == wanted);
        return found.ok_or(Error::PostgresVersion {
            folder: data.to_owned(),
            wanted,
            found: newest.version,
        });
    }
    if newest.version < POSTGRES_VERSION_MIN {
        return Err(Error::PostgresTooOld { found: newest.version });
    }
    Ok(newest)
}
