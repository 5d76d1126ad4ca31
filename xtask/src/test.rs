//! Everything that has to hold before a change lands.

use std::{process::Command, time::Instant};

use anyhow::{Context as _, Result, ensure};

use crate::{
    install,
    job::{self, Interrupt},
    stores::PrivateStores,
    workspace::Workspace,
};

/// Lets tests stop a process where they want: docs/adr/0007-failpoints-are-a-feature.md.
pub(crate) const FAILPOINTS: &str = "klout/failpoints";

/// Formatting, lints, and every test, on private stores.
///
/// Installs what is missing first: Redis and Postgres by apt where there is apt, cargo-nextest by
/// cargo. DATABASE_URL and REDIS_URL, when set, are used instead of private stores; each test makes a
/// database of its own there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask test                 what CI runs
  cargo xtask test outbox          only the tests with `outbox` in their name, without the lints")]
pub struct Test {
    /// Runs only the tests whose name contains one of these.
    filters: Vec<String>,
}

/// One thing that has to hold.
struct Step {
    name: &'static str,
    command: Command,
}

impl Test {
    pub(crate) fn run(self, workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
        install::postgres()?;
        install::redis()?;
        install::nextest(workspace, interrupt)?;

        let (database_url, redis_url) = (variable("DATABASE_URL"), variable("REDIS_URL"));
        // Kept until the last test has run.
        let stores = PrivateStores::start(None, database_url.is_none(), redis_url.is_none())?;
        let database_url = match database_url {
            Some(url) => url,
            None => stores.postgres_url()?.to_owned(),
        };
        let redis_url = match redis_url {
            Some(url) => url,
            None => stores.redis_url()?.to_owned(),
        };

        let cargo = |name, arguments: &[&str]| {
            let mut command = workspace.cargo();
            command.args(arguments).env("SQLX_OFFLINE", "true");
            command.env("DATABASE_URL", &database_url).env("REDIS_URL", &redis_url);
            Step { name, command }
        };
        let lint = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        let mut test = cargo("tests", &["nextest", "run", "--workspace", "--locked"]);
        // The binary is built once more with the tests: with the same features, or it would be another one.
        test.command.args(["--no-fail-fast", "--features", FAILPOINTS]);
        test.command.args(&self.filters);
        let mut steps = Vec::new();
        if self.filters.is_empty() {
            steps.push(cargo("formatting", &["fmt", "--all", "--check"]));
            steps.push(cargo("lints", &lint));
        }
        // Flows start it as six processes, and kill it at its failpoints.
        let build = ["build", "--package", "klout", "--locked", "--features", FAILPOINTS];
        steps.push(cargo("the binary", &build));
        steps.push(test);

        let mut times = Vec::new();
        for Step { name, mut command } in steps {
            ensure!(!interrupt.came(), "interrupted");
            eprintln!("xtask: {name}");
            let started = Instant::now();
            job::run(&mut command, interrupt).context(name)?;
            times.push(format!("{name} {} s", started.elapsed().as_secs()));
        }
        eprintln!("xtask: all good: {}", times.join(", "));
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "how whoever has stores already says where")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
