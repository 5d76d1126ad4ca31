//! The programs of the machine.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest Postgres that the schemas are tested with.
pub const POSTGRES_VERSION_MIN: u32 = 15;

/// Folders in which distributions keep a folder for each version of Postgres, whose `bin` is not on
/// the path.
const VERSION_FOLDERS: [(&str, &str); 2] = [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")];

/// The server programs of one version of Postgres.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresPrograms {
    /// The folder with `initdb`, `postgres` and `pg_ctl`.
    pub folder: PathBuf,
    /// Its major version, such as 15.
    pub version: u32,
}

/// Every Postgres that is installed, the newest first; the one on the path comes before those.
#[must_use]
pub fn postgres_programs() -> Vec<PostgresPrograms> {
    let mut found: Vec<PostgresPrograms> = Vec::new();
    for (folder, prefix) in VERSION_FOLDERS {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        found.extend(entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.parse().ok()?;
            let folder = entry.path().join("bin");
            folder.join("initdb").exists().then_some(PostgresPrograms { folder, version })
        }));
    }
    found.sort_by_key(|programs| std::cmp::Reverse(programs.version));
    // A link on the path does not say where its companions are.
    let on_path = on_path("initdb").and_then(|initdb| initdb.canonicalize().ok());
    if let Some(programs) = on_path.and_then(|initdb| at(initdb.parent()?)) {
        found.retain(|other| other.folder != programs.folder);
        found.insert(0, programs);
    }
    found
}

/// `redis-server`, or `valkey-server`, which is the same to us.
#[must_use]
pub fn redis_program() -> Option<PathBuf> {
    on_path("redis-server").or_else(|| on_path("valkey-server"))
}

fn at(folder: &Path) -> Option<PostgresPrograms> {
    let output = Command::new(folder.join("initdb")).arg("--version").output().ok()?;
    let version = major(std::str::from_utf8(&output.stdout).ok()?)?;
    Some(PostgresPrograms { folder: folder.to_owned(), version })
}

/// The 15 of `initdb (PostgreSQL) 15.18 (Debian …)`.
fn major(text: &str) -> Option<u32> {
    let number = text.split(' ').find(|word| word.starts_with(|it: char| it.is_ascii_digit()))?;
    let digits = number.find(|it: char| !it.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_told_by_initdb() {
        assert_eq!(major("initdb (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("initdb (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major("no such thing"), None);
    }
}
