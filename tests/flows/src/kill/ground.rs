//! Stores of a run's own, which are killed with everything that would stop them in order or start them again.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use klout_embedded::{Home, Needs, Stores};
use rustix::process::Signal;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::{
    binary,
    up::{kill, processes, remove_elsewhere, until},
};

/// How a process of Postgres calls itself that serves a connection of ours.
const CONNECTION: &str = "postgres: klout klout";

pub(super) struct Ground {
    postgres: Store,
    redis: Store,
}

/// One store, in a folder of its own.
struct Store {
    needs: Needs,
    /// `None` while it is dead.
    running: Option<Stores>,
    folder: TempDir,
}

// === impl Ground ===

impl Ground {
    pub(super) fn start() -> Self {
        let needs = Needs { postgres: true, redis: false, throwaway: false };
        let postgres = Store::start(needs);
        let redis = Store::start(Needs { postgres: false, redis: true, ..needs });
        Self { postgres, redis }
    }

    pub(super) fn database_url(&self) -> String {
        let url = self.postgres.running.as_ref().and_then(Stores::postgres_url);
        url.expect("it runs").to_owned()
    }

    pub(super) fn redis_url(&self) -> String {
        let url = self.redis.running.as_ref().and_then(Stores::redis_url);
        url.expect("it runs").to_owned()
    }

    pub(super) fn kill_postgres(&mut self) {
        self.postgres.kill();
    }

    pub(super) fn start_postgres(&mut self) {
        self.postgres.start_again();
    }

    pub(super) fn kill_redis(&mut self) {
        self.redis.kill();
    }

    pub(super) fn start_redis(&mut self) {
        self.redis.start_again();
    }

    /// Kills one of the processes that serve a connection: the one of that number, counted round and round.
    pub(super) fn kill_connection(&self, number: usize) {
        let processes = self.postgres.processes();
        let connections: Vec<_> =
            processes.iter().filter(|(_, line)| line.starts_with(CONNECTION)).collect();
        assert!(!connections.is_empty(), "nobody is connected: {processes:?}");
        let (pid, _) = connections[number % connections.len()];
        kill(*pid, Signal::KILL);
    }

    /// Makes a publication or a pass due, where nothing else does: signals alone make neither certain, since one may
    /// see all that there is before the other begins.
    pub(super) async fn make_due(&self, point: &str) -> Option<()> {
        let statement = if point.starts_with("scoring.percentiles.") {
            "select nextval('scoring.score_revision')"
        } else {
            "insert into scoring.pass (state, epoch, model, start_time, running_until)
             values ('READING', 0, '', now(), '-infinity') on conflict do nothing"
        };
        let mut connection = PgConnection::connect(&self.database_url()).await.ok()?;
        sqlx::query(statement).execute(&mut connection).await.ok().map(|_| ())
    }

    /// Somebody who joined without an account, and of whom there are no signals.
    pub(super) async fn somebody(&self) -> Option<i64> {
        let mut connection = PgConnection::connect(&self.database_url()).await.ok()?;
        let joined = sqlx::query_scalar(
            "insert into social_graph.person (person_id, create_time)
             values (1 + floor(random() * 1e15)::bigint, now()) returning person_id",
        );
        joined.fetch_one(&mut connection).await.ok()
    }

    /// How many batches are in the log. `None`: nobody answers.
    pub(super) async fn batches(&self) -> Option<i64> {
        let mut connection = PgConnection::connect(&self.database_url()).await.ok()?;
        let count = sqlx::query_scalar("select count(*) from connector.batch");
        count.fetch_one(&mut connection).await.ok()
    }
}

// === impl Store ===

impl Store {
    fn start(needs: Needs) -> Self {
        // Another user may have to pass, whom the stores belong to.
        let passable = Permissions::from_mode(0o711);
        let folder = tempfile::Builder::new().prefix("klout-kill-").permissions(passable).tempdir();
        let mut store = Self { needs, running: None, folder: folder.expect("a folder") };
        store.start_again();
        store
    }

    fn start_again(&mut self) {
        let home = Home::open(self.folder.path()).expect("a folder");
        let keeper = Command::new(binary());
        let stores = Stores::start(&home, self.needs, keeper, |_| {});
        self.running = Some(stores.expect("it starts, also after a kill"));
    }

    /// Ends all of it at once: the keeper too, which would start the store again.
    fn kill(&mut self) {
        let processes = self.processes();
        let (keepers, others): (Vec<_>, Vec<_>) =
            processes.into_iter().partition(|(_, line)| line.contains(klout_embedded::KEEP_STORES));
        for (pid, _) in keepers.into_iter().chain(others) {
            kill(pid, Signal::KILL);
        }
        self.running = None;
        until("the store is gone", || self.processes().is_empty());
    }

    fn processes(&self) -> Vec<(i32, String)> {
        processes(self.folder.path())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.running = None;
        remove_elsewhere(Path::new(self.folder.path()));
    }
}
