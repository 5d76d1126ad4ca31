//! Connections with real servers of networks, started on this machine.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::{
    install,
    job::{self, Interrupt},
    running::{Running, Up},
    stores::PrivateStores,
    workspace::Workspace,
};

/// Starts an AT Protocol network (PLC, PDS and AppView, as Bluesky has them) and a MediaWiki on this machine, connects
/// accounts of theirs with a klout, and looks what comes of what happens there.
///
/// Accounts, posts, likes, follows, edits and the like are made through the servers' own APIs; then things are undone,
/// renamed and deactivated, access expires and is taken away, and a server has had enough of us. One line a check.
///
/// Not a part of `cargo xtask test`: it installs Node and the servers with npm, into klout/peers in the cache of this
/// user (half a gigabyte, two minutes, once), and MediaWiki with apt. Everything listens on loopback and is thrown away.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask peers
  cargo xtask peers wikipedia")]
pub struct Peers {
    /// Only this network: bluesky or wikipedia [default: all]
    #[arg(value_name = "NETWORK", value_parser = ["bluesky", "wikipedia"])]
    network: Option<String>,
    /// Keeps the folder of the run, with what every server said
    #[arg(long)]
    keep: bool,
}

/// The AT Protocol's servers need a newer Node than most machines have.
const NODE: &str = "node@22.23.3";

const AT_PROTOCOL: [&str; 3] = ["@atproto/dev-env@0.6.7", "@atproto/sync@0.4.11", "ws@8.23.0"];

/// Who runs the wiki; nobody else comes by.
const WIKI_PASSWORD: &str = "made-up-for-loopback";

/// Where everything of a run is.
struct Place {
    /// Programs, kept from run to run.
    cache: PathBuf,
    /// Everything else.
    folder: TempDir,
    scripts: PathBuf,
}

/// Ports of this machine that were free a moment ago.
struct Ports(Vec<u16>);

impl Peers {
    pub(crate) fn run(self, workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
        install::postgres()?;
        install::redis()?;
        install::npm()?;
        let wants = |network: &str| self.network.as_deref().is_none_or(|it| it == network);
        let cache = dirs::cache_dir().context("there is no folder for caches")?.join("klout/peers");
        let mut folder = tempfile::Builder::new();
        folder.prefix("klout-peers-").disable_cleanup(self.keep);
        let scripts = workspace.root().join("tests/peers");
        let place = Place { cache, folder: folder.tempdir()?, scripts };
        let node = node(&place.cache, interrupt)?;
        let wiki = if wants("wikipedia") { Some(install::mediawiki()?) } else { None };
        if wants("bluesky") {
            at_protocol(&place.cache, &node, interrupt)?;
        }
        eprintln!("xtask: building klout");
        job::run(workspace.cargo().args(["build", "--package", "klout", "--locked"]), interrupt)?;
        let klout = workspace.target()?.join("debug/klout");

        let mut told: Vec<(&str, String)> = Vec::new();
        let mut settings = common_settings();
        // Dropped, and so stopped, in the opposite order.
        let mut running: Vec<Running> = Vec::new();
        let stores = match wants("bluesky") {
            true => Some(PrivateStores::start(None, true, false)?),
            false => None,
        };
        if let Some(stores) = &stores {
            let ports = Ports::free(7)?;
            running.extend(place.start_at_protocol(&node, stores, &ports, interrupt)?);
            let at = |it: usize| format!("http://localhost:{}", ports.0[it]);
            settings.push(("KLOUT_CONNECTOR__NETWORKS__BLUESKY__PUBLIC", at(2)));
            settings.push(("KLOUT_CONNECTOR__NETWORKS__BLUESKY__DIRECTORY", at(0)));
            told.extend([("PLC", at(0)), ("PDS", at(1)), ("APPVIEW", at(2)), ("CLOCK", at(6))]);
        }
        if let Some(wiki) = &wiki {
            let ports = Ports::free(1)?;
            let at = format!("http://127.0.0.1:{}", ports.0[0]);
            running.push(place.start_wiki(wiki, &at, interrupt)?);
            let api = format!("{at}/api.php");
            settings.push(("KLOUT_CONNECTOR__NETWORKS__WIKIPEDIA__PUBLIC", api.clone()));
            told.extend([("WIKI", api), ("WIKI_PASSWORD", WIKI_PASSWORD.to_owned())]);
        }
        let up = Up::start(&klout, &[], &settings, interrupt)?;
        told.push(("KLOUT_HTTP", up.http.clone()));

        let mut checks = Command::new(&node);
        checks.arg(place.scripts.join("check.mjs")).envs(told).env("KLOUT", &klout);
        checks.env("KLOUT_FOLDER", up.folder.path());
        let held = job::run(&mut checks, interrupt);
        if self.keep {
            fs::copy(up.folder.path().join("up.log"), place.folder.path().join("klout.log"))?;
            eprintln!("xtask: kept {}", place.folder.path().display());
        }
        let stopped = up.stop();
        while let Some(last) = running.pop() {
            drop(last);
        }
        held.context("not everything came out as it should")?;
        stopped
    }
}

/// Servers of this machine are asked, and as fast as they answer; and how credible who reacts is, which is found out when
/// everybody is scored anew, is waited for by no check.
fn common_settings() -> Vec<(&'static str, String)> {
    vec![
        ("KLOUT_CONNECTOR__PRIVATE_NETWORKS_ALLOWED", "true".to_owned()),
        ("KLOUT_CONNECTOR__REQUESTS_PER_SECOND", "200".to_owned()),
        ("KLOUT_SCORING__PASS_INTERVAL", "1s".to_owned()),
    ]
}

/// A Node of its own, in a folder of its own: beside other packages npm moves its headers away, which are needed then.
fn node(cache: &Path, interrupt: &Interrupt) -> Result<PathBuf> {
    let folder = cache.join("node");
    npm_install(&folder, &[NODE], None, interrupt)?;
    // The package of this kind of machine lies in the one that was asked for.
    let all = fs::read_dir(folder.join("node_modules/node/node_modules"))?;
    let found =
        all.filter_map(|it| Some(it.ok()?.path())).find(|it| it.join("include/node").exists());
    Ok(found.with_context(|| format!("{NODE} was installed but is not found"))?.join("bin/node"))
}

fn at_protocol(cache: &Path, node: &Path, interrupt: &Interrupt) -> Result<()> {
    npm_install(&cache.join("atproto"), &AT_PROTOCOL, Some(node), interrupt)
}

/// Installs packages into a folder, unless just these are there.
fn npm_install(
    folder: &Path,
    packages: &[&str],
    node: Option<&Path>,
    interrupt: &Interrupt,
) -> Result<()> {
    let note = folder.join("installed");
    let wanted = packages.join("\n");
    if fs::read_to_string(&note).is_ok_and(|it| it == wanted) {
        return Ok(());
    }
    eprintln!("xtask: installing {} into {}", packages.join(", "), folder.display());
    fs::create_dir_all(folder)?;
    fs::write(folder.join("package.json"), "{\"private\":true,\"type\":\"module\"}\n")?;
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["install", "--save-exact", "--no-audit", "--no-fund"]);
    npm.args(packages).stdout(Stdio::null());
    if let Some(node) = node {
        // What is compiled is compiled for the Node that runs it, with the headers that came with it.
        let bin = node.parent().context("Node lies in a folder")?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [bin.to_owned()].into_iter().chain(std::env::split_paths(&path));
        npm.env("PATH", std::env::join_paths(path)?);
        npm.env("npm_config_nodedir", bin.parent().context("Node lies in a folder")?);
    }
    job::run(&mut npm, interrupt)?;
    fs::write(note, wanted)?;
    Ok(())
}

// === impl Place ===

impl Place {
    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    /// PLC, PDS and AppView with their moderation, and a clock that can be put forward; with a Redis of their own.
    fn start_at_protocol(
        &self,
        node: &Path,
        stores: &PrivateStores,
        ports: &Ports,
        interrupt: &Interrupt,
    ) -> Result<[Running; 2]> {
        let [.., redis_port, _] = ports.0.as_slice() else {
            anyhow::bail!("there are not enough ports")
        };
        let program = klout_embedded::redis_program().context("Redis is there")?;
        let mut redis = Command::new(program);
        redis.args(["--bind", "127.0.0.1", "--save", "", "--port", &redis_port.to_string()]);
        let mut redis = Running::start("Redis", &mut redis, self.log("redis"))?;
        redis.wait_until(interrupt, |said| said.contains("Ready to accept connections"))?;

        eprintln!("xtask: starting an AT Protocol network");
        let temporary = self.folder.path().join("atproto");
        fs::create_dir(&temporary)?;
        let mut servers = Command::new(node);
        servers.arg("--import").arg(self.scripts.join("loopback.mjs"));
        servers.arg(self.scripts.join("atproto.mjs"));
        servers.env("MODULES", self.cache.join("atproto")).env("TMPDIR", &temporary);
        let ports: Vec<String> = ports.0.iter().map(u16::to_string).collect();
        servers.env("PORTS", ports.join(",")).env("LOG_ENABLED", "false");
        servers.env("DB_POSTGRES_URL", stores.postgres_url()?).env("DB_POSTGRES_SCHEMA", "peers");
        servers.env("REDIS_HOST", format!("127.0.0.1:{redis_port}"));
        let mut servers = Running::start("the network", &mut servers, self.log("atproto"))?;
        servers.wait_until(interrupt, |said| said.contains("READY"))?;
        Ok([redis, servers])
    }

    /// A MediaWiki with nothing in it.
    fn start_wiki(&self, code: &Path, at: &str, interrupt: &Interrupt) -> Result<Running> {
        eprintln!("xtask: starting a MediaWiki");
        let folder = self.folder.path().join("wiki");
        let data = folder.join("data");
        fs::create_dir_all(&data)?;
        let mut install = Command::new("php");
        install.arg(code.join("maintenance/install.php"));
        install.args(["--dbtype", "sqlite", "--dbname", "wiki", "--dbpath"]).arg(&data);
        install.args(["--server", at, "--scriptpath", "", "--pass", WIKI_PASSWORD]);
        install.arg("--confpath").arg(&folder).args(["Lab", "Admin"]);
        job::run(install.stdout(fs::File::create(self.log("wiki-install"))?), interrupt)?;
        let settings = folder.join("LocalSettings.php");
        let more = "\n$wgMainCacheType = CACHE_NONE; $wgSessionCacheType = CACHE_DB;\n";
        fs::write(&settings, fs::read_to_string(&settings)? + more)?;
        let mut php = Command::new("php");
        php.args(["-S", at.trim_start_matches("http://"), "-t"]).arg(code);
        php.env("MW_CONFIG_FILE", settings);
        let mut php = Running::start("MediaWiki", &mut php, self.log("wiki"))?;
        php.wait_until(interrupt, |said| said.contains("started"))?;
        Ok(php)
    }
}

// === impl Ports ===

impl Ports {
    fn free(count: usize) -> Result<Self> {
        let listeners = (0..count).map(|_| TcpListener::bind("127.0.0.1:0"));
        let listeners = listeners.collect::<std::io::Result<Vec<_>>>()?;
        let ports = listeners.iter().map(|it| Ok(it.local_addr()?.port()));
        Ok(Self(ports.collect::<Result<_>>()?))
    }
}
