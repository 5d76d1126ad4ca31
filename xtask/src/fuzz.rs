//! Bytes that nobody would write, for the readers of files, networks, pages and contacts.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, ensure};

use crate::{
    install,
    job::{self, Interrupt},
    workspace::{Workspace, sorted},
};

/// The longest that one input may take. Readers are faster than that by far, under a sanitizer too.
const INPUT_TIME_MAX: Duration = Duration::from_secs(10);

/// What a reader may take, in MiB: it holds a line of 1 MiB, and the fuzzer and its sanitizer the rest.
const MEMORY_MIB_MAX: u32 = 2_048;

/// Feeds the readers of libs/import, libs/networks, libs/ontology, libs/perk-rules and services/social-graph with bytes
/// that nothing should have.
///
/// Not a part of `cargo xtask test`, which is the same every time. What is found lies in
/// target/fuzz/artifacts, and what is learnt in target/fuzz/corpus, where the next run goes on from.
/// Sanitizers are a matter of nightly toolchains; on a stable one RUSTC_BOOTSTRAP=1 lets them in, which
/// this sets by itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask fuzz                       every target for a minute
  cargo xtask fuzz csv --seconds 600     one of them for longer")]
pub struct Fuzz {
    /// Only these; without any, every file of fuzz/targets.
    targets: Vec<String>,
    /// How long each target runs.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

impl Fuzz {
    pub(crate) fn run(self, workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
        install::cargo_fuzz(workspace)?;
        let all = targets(workspace)?;
        let targets = if self.targets.is_empty() { all.clone() } else { self.targets };
        for target in &targets {
            ensure!(all.contains(target), "there is no target `{target}`; there are {all:?}");
        }
        for target in &targets {
            eprintln!("xtask: fuzzing {target} for {} s", self.seconds);
            run(workspace, interrupt, target, self.seconds)
                .with_context(|| format!("{target}: see target/fuzz/artifacts/{target}"))?;
        }
        eprintln!("xtask: nothing was found");
        Ok(())
    }
}

fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let files = sorted(&workspace.root().join("fuzz/targets"))?;
    let name = |path: &std::path::PathBuf| Some(path.file_stem()?.to_string_lossy().into_owned());
    Ok(files.iter().filter_map(name).collect())
}

fn run(workspace: &Workspace, interrupt: &Interrupt, target: &str, seconds: u32) -> Result<()> {
    let place = workspace.root().join("target/fuzz");
    let (corpus, artifacts) =
        (place.join("corpus").join(target), place.join("artifacts").join(target));
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    let mut fuzz = workspace.cargo();
    fuzz.args(["fuzz", "run", "--fuzz-dir", "fuzz", "--target-dir"]).arg(&place).arg(target);
    // What is learnt goes into the first folder; the seeds are only read.
    fuzz.arg(&corpus).arg(workspace.root().join("fuzz/seeds").join(target)).arg("--");
    fuzz.arg(format!("-artifact_prefix={}/", artifacts.display()));
    fuzz.arg(format!("-max_total_time={seconds}"));
    fuzz.arg(format!("-timeout={}", INPUT_TIME_MAX.as_secs()));
    fuzz.arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"));
    fuzz.arg("-verbosity=0").arg("-print_final_stats=1");
    fuzz.env("RUSTC_BOOTSTRAP", "1");
    job::run(&mut fuzz, interrupt)
}
