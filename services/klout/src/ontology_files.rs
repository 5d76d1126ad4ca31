//! The files of an ontology, for the commands that take them.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
    sync::Arc,
};

use klout_ontology::Ontology;

use crate::{exit::Failure, printable};

/// What the files of an ontology end with.
const ENDINGS: [&str; 4] = [".csv", ".csv.gz", ".toml", ".toml.gz"];

/// In bytes, of all files: topics takes no more.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Of the name of an ontology.
const NAME_BYTES_MAX: usize = 64;

/// What Klout's own files are an ontology of.
const KLOUT: &str = "klout";

/// What an ontology is called, and its edition, when its files do not say: nobody else will read it.
const UNNAMED: &str = "unnamed";

/// The ontology of a folder, or the one that ships with the project. What is odd about it is told on stderr.
///
/// # Errors
///
/// When it cannot be read, or is none: every flaw is named with its file and line.
pub(crate) fn read(folder: Option<&Path>) -> Result<Arc<Ontology>, Failure> {
    let Some(folder) = folder else { return Ok(Arc::clone(Ontology::shipped())) };
    let files = files(folder)?;
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    let name = default_name(&names, folder).unwrap_or_else(|| UNNAMED.to_owned());
    let edition = default_edition(&names).unwrap_or_else(|| UNNAMED.to_owned());
    let files =
        files.into_iter().map(|(name, content)| klout_ontology::File { name, content }).collect();
    match Ontology::read(&name, &edition, files) {
        Ok((ontology, notices)) => {
            for notice in notices {
                eprintln!("klout: {}", printable::shortened(&notice.to_string()));
            }
            Ok(Arc::new(ontology))
        }
        Err(flaws) => {
            let flaws: Vec<_> = flaws.iter().map(ToString::to_string).collect();
            Err(Failure::Failed(printable::printable(&flaws.join("\n"))))
        }
    }
}

/// The files of a folder that may be an ontology's, by name, with their content.
pub(crate) fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        Failure::Failed(format!("{}: {error}", printable::shortened(&path.display().to_string())))
    };
    let mut files = Vec::new();
    let mut left = BYTES_MAX;
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let lower = name.to_lowercase();
        if !ENDINGS.iter().any(|ending| lower.ends_with(ending)) {
            continue;
        }
        let mut content = Vec::new();
        let file = File::open(&path).map_err(|error| failed(&path, error))?;
        file.take(left + 1).read_to_end(&mut content).map_err(|error| failed(&path, error))?;
        left = left.checked_sub(content.len() as u64).ok_or_else(|| {
            Failure::Failed(format!("{}: its files have more than 64 MiB", folder.display()))
        })?;
        files.push((name, content));
    }
    if files.is_empty() {
        let endings = ENDINGS.join(", ");
        return Err(Failure::Failed(format!("{}: no file ends in {endings}", folder.display())));
    }
    files.sort();
    Ok(files)
}

/// What Klout's files are called, or the folder, with hyphens for what may not name an ontology.
pub(crate) fn default_name(files: &[&str], folder: &Path) -> Option<String> {
    if files.iter().any(|name| name.starts_with("klout_topic_")) {
        return Some(KLOUT.to_owned());
    }
    let folder = folder.canonicalize().ok()?;
    let name = folder.file_name()?.to_string_lossy().to_lowercase();
    let allowed = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    let words = name.split(|it| !allowed(it)).filter(|word| !word.is_empty());
    let mut name = words.collect::<Vec<_>>().join("-");
    name.truncate(NAME_BYTES_MAX);
    Some(name).filter(|name| !name.is_empty())
}

/// The latest eight digits that stand in the names of files.
pub(crate) fn default_edition(files: &[&str]) -> Option<String> {
    let digits = |name: &&str| {
        let runs = name.split(|character: char| !character.is_ascii_digit());
        runs.filter(|run| run.len() == 8).map(str::to_owned).max()
    };
    files.iter().filter_map(digits).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_klout_published_says_by_its_names_what_it_is() {
        let names = ["klout_topic_edge_20180601.csv.gz", "klout_topic_ontology_20180601.csv"];
        assert_eq!(default_name(&names, Path::new(".")), Some("klout".to_owned()));
        assert_eq!(default_edition(&names), Some("20180601".to_owned()));
        assert_eq!(default_edition(&["topics.toml", "a123456789.csv"]), None);
    }

    #[test]
    fn whatever_a_folder_is_called_an_ontology_can_be_called_so() {
        let parent = tempfile::tempdir().expect("a folder");
        let top = Ontology::shipped().topics().iter().find(|topic| topic.parents.is_empty());
        let topics = vec![top.expect("something is at the top").clone()];
        let named = |folder: &str| {
            let folder = parent.path().join(folder);
            fs::create_dir(&folder).expect("a folder");
            let name = default_name(&["topics.toml"], &folder);
            if let Some(name) = &name {
                assert!(Ontology::new(name, "1", topics.clone()).is_ok(), "{name}");
            }
            name
        };
        assert_eq!(named("My Topics"), Some("my-topics".to_owned()));
        assert_eq!(named("tmp.ab_1"), Some("tmp-ab_1".to_owned()));
        assert_eq!(named("-Café 2-"), Some("caf-2".to_owned()));
        assert_eq!(named(&"x".repeat(100)), Some("x".repeat(64)));
        assert_eq!(named("話題"), None);
    }

    #[test]
    fn a_folder_without_an_ontology_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(files(folder.path()).is_err());
    }
}
