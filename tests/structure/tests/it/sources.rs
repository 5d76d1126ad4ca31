//! What lies in the repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What is not ours, or made by tools. `.git` is a folder, and in a worktree a file.
const SKIPPED: [&str; 4] = [".git", ".sqlx", "__pycache__", "target"];

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the root, such as `libs/model/src/lib.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("this crate lies in tests/structure")
}

/// Every text file, in the order of paths.
pub(crate) fn all() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&root(), "", &mut sources);
    assert!(sources.len() > 100, "the repository has more files than that");
    sources
}

/// Every Rust file.
pub(crate) fn rust() -> impl Iterator<Item = Source> {
    all().into_iter().filter(|source| source.path.ends_with(".rs"))
}

/// The folders of all crates, such as `libs/model`.
pub(crate) fn crates() -> Vec<String> {
    let manifests = all()
        .into_iter()
        .filter_map(|source| source.path.strip_suffix("/Cargo.toml").map(ToOwned::to_owned));
    manifests.collect()
}

/// The folders of the six services.
pub(crate) fn services() -> Vec<String> {
    let is_service =
        |folder: &String| folder.starts_with("services/") && folder != "services/klout";
    crates().into_iter().filter(is_service).collect()
}

/// The text of one file.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn exists(path: &str) -> bool {
    root().join(path).exists()
}

fn collect(folder: &Path, prefix: &str, sources: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).expect("a folder of the repository");
    let mut entries: Vec<_> = entries.map(|entry| entry.expect("an entry")).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().into_string().expect("names are ASCII");
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().expect("the kind of an entry");
        if SKIPPED.contains(&&*name) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), &path, sources);
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            sources.push(Source { path, text });
        }
    }
}
