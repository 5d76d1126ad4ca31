//! Documents that are made from the sources.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, Result};

use crate::workspace::sorted;

const HEAD: &str = "# Configuration

Every setting, with its default. Written by `cargo xtask docs` from the `config.default.toml` of
each crate: change the comments there, not here.

A process reads the defaults, then its file (`--config FILE`), then the environment:
`KLOUT_<SECTION>__<FIELD>`, such as `KLOUT_STORES__DATABASE_CONNECTIONS_MAX`.
`--print-config` prints what is in effect, with secrets as `***`.
";

/// What `docs/config.md` has to be: the default file of the chassis, then of each service.
///
/// # Errors
///
/// When a file cannot be read.
pub fn config(root: &Path) -> Result<String> {
    let mut text = HEAD.to_owned();
    let mut folders = vec![root.join("libs/chassis")];
    folders.extend(sorted(&root.join("services"))?);
    for folder in folders {
        let path = folder.join("config.default.toml");
        if !path.exists() {
            continue;
        }
        let name = folder.file_name().context("a crate without a folder")?.to_string_lossy();
        let toml = fs::read_to_string(&path)
            .with_context(|| format!("could not read {}", path.display()))?;
        write!(text, "\n## {name}\n\n```toml\n{}\n```\n", toml.trim_end())?;
    }
    Ok(text)
}
