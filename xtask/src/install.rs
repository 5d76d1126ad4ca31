//! Sees that the programs the tests need are there, and installs those that are not.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Result, bail, ensure};
use klout_embedded::{postgres_programs, redis_program};

use crate::{
    job::{self, Interrupt},
    workspace::Workspace,
};

/// Postgres' server programs.
pub(crate) fn postgres() -> Result<()> {
    if !postgres_programs().is_empty() {
        return Ok(());
    }
    apt_get("postgresql", "Postgres (version 15 or later)")?;
    ensure!(!postgres_programs().is_empty(), "Postgres was installed but is not found");
    Ok(())
}

/// Redis, or Valkey, which is the same to us.
pub(crate) fn redis() -> Result<()> {
    if redis_program().is_some() {
        return Ok(());
    }
    apt_get("redis-server", "Redis (version 7 or later)")?;
    ensure!(redis_program().is_some(), "Redis was installed but is not found");
    Ok(())
}

/// cargo-nextest, which runs the tests.
pub(crate) fn nextest(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    let mut version = workspace.cargo();
    if succeeds(version.args(["nextest", "--version"])) {
        return Ok(());
    }
    eprintln!("xtask: cargo-nextest is missing: cargo install --locked cargo-nextest");
    job::run(workspace.cargo().args(["install", "--locked", "cargo-nextest"]), interrupt)
}

/// Ends with 1 unless each `NAME==VERSION` can be imported and is of that version.
const HAS_PACKAGES: &str = "
import sys, importlib, importlib.metadata
for name, version in (it.split('==') for it in sys.argv[1:]):
    importlib.import_module(name)
    assert importlib.metadata.version(name) == version
";

/// A Python in `folder` with these packages of these versions, and nothing of the machine's own: it is to be
/// run with `-I`, as here, since PYTHONPATH would bring other packages in.
pub(crate) fn python(folder: &Path, packages: &[(&str, &str)]) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let packages: Vec<_> =
        packages.iter().map(|(name, version)| format!("{name}=={version}")).collect();
    if succeeds(Command::new(&python).args(["-I", "-c", HAS_PACKAGES]).args(&packages)) {
        return Ok(python);
    }
    if !succeeds(Command::new("python3").args(["-I", "-c", "import ensurepip, venv"])) {
        apt_get("python3-venv", "Python 3 with venv")?;
    }
    eprintln!("xtask: installing {} into {}", packages.join(", "), folder.display());
    // What Python says is left to be seen: it tells why.
    let made = is_done(Command::new("python3").args(["-I", "-m", "venv", "--clear"]).arg(folder));
    ensure!(made, "`python3 -m venv {}` failed", folder.display());
    let pip = ["-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let installed = is_done(Command::new(&python).args(pip).args(&packages));
    ensure!(
        installed,
        "{} could not be installed: is there a network, and is `python3` 3.11 or later?",
        packages.join(", ")
    );
    Ok(python)
}

/// npm, and with it a Node that can install another one.
pub(crate) fn npm() -> Result<()> {
    if !succeeds(Command::new("npm").arg("--version")) {
        apt_get("npm", "npm")?;
    }
    Ok(())
}

/// MediaWiki and a PHP that runs it, without a web server or a database of their own. Returns its folder.
pub(crate) fn mediawiki() -> Result<PathBuf> {
    if let Some(folder) = mediawiki_folder() {
        return Ok(folder);
    }
    for package in ["php-cli", "php-sqlite3", "php-intl", "php-mbstring", "php-xml", "mediawiki"] {
        apt_get(package, package)?;
    }
    mediawiki_folder().ok_or_else(|| anyhow::anyhow!("MediaWiki was installed but is not found"))
}

/// Where Debian puts it.
fn mediawiki_folder() -> Option<PathBuf> {
    let folder = PathBuf::from("/usr/share/mediawiki");
    let php =
        succeeds(Command::new("php").args(["-r", "exit(extension_loaded('pdo_sqlite') ? 0 : 1);"]));
    (php && folder.join("api.php").exists()).then_some(folder)
}

/// cargo-fuzz, which few people need: it is not installed by itself.
pub(crate) fn cargo_fuzz(workspace: &Workspace) -> Result<()> {
    let found = succeeds(workspace.cargo().args(["fuzz", "--version"]));
    ensure!(found, "cargo-fuzz is missing: type `cargo install --locked cargo-fuzz`");
    Ok(())
}

/// Installs `package` where there is `apt-get` and the right to use it.
fn apt_get(package: &str, name: &str) -> Result<()> {
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("apt-get")
    } else {
        let mut command = Command::new("sudo");
        command.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    };
    let line = format!("apt-get install --yes --no-install-recommends {package}");
    if !succeeds(Command::new("apt-get").arg("--version")) {
        bail!("{name} is missing: install it with the package manager of this machine");
    }
    eprintln!("xtask: {name} is missing: {line}");
    command.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
    let mut update = copy(&command);
    command.args(line.split(' ').skip(1));
    // A fresh image has no lists of packages; one that has them is spared the download.
    let done = is_done(&mut command) || (is_done(update.args(["update"])) && is_done(&mut command));
    ensure!(done, "{name} is missing, and could not be installed: type `sudo {line}`");
    Ok(())
}

fn copy(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args()).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
    copy
}

fn is_done(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}

fn succeeds(command: &mut Command) -> bool {
    is_done(command.stdout(Stdio::null()).stderr(Stdio::null()))
}
