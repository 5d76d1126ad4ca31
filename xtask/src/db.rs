//! The checked SQL: `.sqlx` data and migrations.

use std::{
    fs::{self, File},
    time::SystemTime,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    install,
    job::{self, Interrupt},
    stores::PrivateStores,
    workspace::{SchemaCrate, Workspace, sorted},
};

/// Migrations, and the data that checks queries without a database.
#[derive(Debug, clap::Subcommand)]
pub enum Db {
    Prepare(Prepare),
    New(New),
}

/// Renews services/*/.sqlx from the queries in the sources.
///
/// Starts a private Postgres, applies every migration, and lets the macros of sqlx describe every
/// query. Commit the result: builds have no database.
#[derive(Debug, clap::Args)]
pub struct Prepare {
    /// Only this service, such as `social-graph`.
    service: Option<String>,
}

/// Makes the next migration of a service.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cargo xtask db new scoring add_score_index")]
pub struct New {
    /// The service, such as `scoring`.
    service: String,
    /// What it does, starting with a verb, such as `add_score_index`.
    name: String,
}

impl Db {
    pub(crate) fn run(self, workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
        match self {
            Self::Prepare(prepare) => prepare.run(workspace, interrupt),
            Self::New(new) => new.run(workspace),
        }
    }
}

impl Prepare {
    fn run(self, workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
        let crates = match &self.service {
            Some(name) => vec![workspace.schema_crate(name)?],
            None => workspace.schema_crates()?,
        };
        install::postgres()?;
        let stores = PrivateStores::start(None, true, false)?;
        for service in crates {
            migrate(&stores, &service)?;
            describe(workspace, interrupt, stores.postgres_url()?, &service)?;
        }
        Ok(())
    }
}

impl New {
    fn run(self, workspace: &Workspace) -> Result<()> {
        let service = workspace.schema_crate(&self.service)?;
        let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        ensure!(self.name.bytes().all(valid), "a name has only a-z, 0-9 and _");
        let number = service.migrations()?.len() + 1;
        let path = service.folder.join(format!("migrations/{number:04}_{}.sql", self.name));
        fs::write(&path, "-- Why.\n")?;
        eprintln!("xtask: wrote {}", path.display());
        Ok(())
    }
}

fn migrate(stores: &PrivateStores, service: &SchemaCrate) -> Result<()> {
    let mut psql = stores.psql()?;
    // Migrations run in transactions, which some of them need.
    psql.arg("--single-transaction");
    for schema in &service.schemas {
        psql.arg("-c").arg(format!("create schema {schema}"));
    }
    for migration in service.migrations()? {
        psql.arg("-f").arg(migration);
    }
    ensure!(psql.status()?.success(), "a migration of {} failed", service.name);
    Ok(())
}

/// sqlx writes the data of each query that it describes during a build.
fn describe(
    workspace: &Workspace,
    interrupt: &Interrupt,
    database_url: &str,
    service: &SchemaCrate,
) -> Result<()> {
    // Beside the old data, which stays when the build fails.
    let fresh = tempfile::tempdir_in(&service.folder)?;
    // Looks new to cargo, which builds the crate again.
    File::options().append(true).open(service.folder.join("src/lib.rs"))?.set_modified(now())?;
    let mut check = workspace.cargo();
    check.args(["check", "--all-targets", "--package", &service.package()]);
    check.env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", fresh.path());
    check.env("DATABASE_URL", database_url);
    if job::run(&mut check, interrupt).is_err() {
        bail!("{} does not build, or its queries do not fit its schema", service.name);
    }
    let data = service.folder.join(".sqlx");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    let queries = sorted(fresh.path())?;
    if !queries.is_empty() {
        fs::create_dir(&data)?;
    }
    for query in &queries {
        fs::copy(query, data.join(query.file_name().context("a file has a name")?))?;
    }
    eprintln!("xtask: {}: {} queries", service.name, queries.len());
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the time of a file, which no test pretends")]
fn now() -> SystemTime {
    SystemTime::now()
}
