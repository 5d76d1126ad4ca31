//! Where the repository is, and what its service crates are called.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

/// What the names of variables begin with that say which package cargo runs.
const OF_PACKAGE: [&[u8]; 2] = [b"CARGO_PKG_", b"CARGO_MANIFEST_"];

/// The repository that the current directory lies in.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

/// A crate that owns a schema: a folder with a `sqlx.toml`.
#[derive(Debug)]
pub(crate) struct SchemaCrate {
    /// The folder's name, such as `social-graph`.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// The schemas to create before the first migration.
    pub(crate) schemas: Vec<String>,
}

#[derive(Deserialize)]
struct SqlxToml {
    #[serde(default)]
    migrate: Migrate,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Migrate {
    #[serde(default)]
    create_schemas: Vec<String>,
}

// === impl Workspace ===

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let output = Command::new(cargo())
            .args(["locate-project", "--workspace", "--message-format", "plain"])
            .output()
            .context("could not run cargo")?;
        ensure!(output.status.success(), "this is not inside the repository");
        let manifest = PathBuf::from(String::from_utf8(output.stdout)?.trim_end());
        let root = manifest.parent().context("cargo named a manifest without a folder")?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A cargo command that runs in the root, whatever the current directory is.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(cargo());
        command.current_dir(&self.root);
        // What cargo says of this package to `cargo xtask` is not for what is built from here: build scripts that look at
        // it would run again, and much with them, whenever cargo is called in the other way.
        for (name, _) in env::vars_os() {
            let is_of_package = OF_PACKAGE.iter().any(|it| name.as_encoded_bytes().starts_with(it));
            if is_of_package {
                command.env_remove(name);
            }
        }
        command
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let arguments = ["metadata", "--format-version=1", "--no-deps", "--offline"];
        let output = self.cargo().args(arguments).output().context("could not run cargo")?;
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let target = metadata["target_directory"].as_str().context("cargo names no folder")?;
        Ok(target.into())
    }

    /// Every crate that owns a schema, by name.
    pub(crate) fn schema_crates(&self) -> Result<Vec<SchemaCrate>> {
        let mut crates = Vec::new();
        for kind in ["libs", "services"] {
            for folder in sorted(&self.root.join(kind))? {
                if folder.join("sqlx.toml").exists() {
                    crates.push(SchemaCrate::read(folder)?);
                }
            }
        }
        Ok(crates)
    }

    /// The one that is called `name`, such as `social-graph`.
    pub(crate) fn schema_crate(&self, name: &str) -> Result<SchemaCrate> {
        let mut crates = self.schema_crates()?;
        let Some(found) = crates.iter().position(|it| it.name == name) else {
            let names: Vec<_> = crates.iter().map(|it| it.name.as_str()).collect();
            bail!("there is no service `{name}`; there are {}", names.join(", "));
        };
        Ok(crates.swap_remove(found))
    }
}

// === impl SchemaCrate ===

impl SchemaCrate {
    fn read(folder: PathBuf) -> Result<Self> {
        let path = folder.join("sqlx.toml");
        let text = fs::read_to_string(&path)?;
        let sqlx: SqlxToml =
            toml::from_str(&text).with_context(|| format!("{} is wrong", path.display()))?;
        let name = folder.file_name().context("a crate without a folder")?;
        let name = name.to_str().context("the name of a crate is ASCII")?.to_owned();
        Ok(Self { name, folder, schemas: sqlx.migrate.create_schemas })
    }

    /// The name cargo knows it by.
    pub(crate) fn package(&self) -> String {
        format!("klout-{}", self.name)
    }

    /// Its migrations, in the order that they are applied in.
    pub(crate) fn migrations(&self) -> Result<Vec<PathBuf>> {
        let folder = self.folder.join("migrations");
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let mut files = sorted(&folder)?;
        files.retain(|file| file.extension().is_some_and(|it| it == "sql"));
        Ok(files)
    }
}

/// The entries of a folder by name, because a file system has no order of its own.
pub(crate) fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("could not read the folder {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The cargo that started us, so that a `+toolchain` is kept.
fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
