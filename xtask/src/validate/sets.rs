//! The sets of public data: what is in the folder, and how each is scored.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// A set of the folder.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) name: &'static str,
    /// What the networks told before the time that is scored at; interactions first.
    files: &'static [&'static str],
    /// What measure.py reads beside.
    truth: &'static [&'static str],
    registered: Option<&'static str>,
    as_of: &'static str,
}

/// Interactions to append to those of a set.
#[derive(Debug)]
pub(super) struct Extra {
    pub(super) set: &'static str,
    pub(super) name: &'static str,
}

/// What `klout rank` is given.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// Interactions first, if there are any.
    pub(super) files: Vec<PathBuf>,
    pub(super) registered: Option<PathBuf>,
    pub(super) as_of: String,
}

/// A row of a scores file.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Scored {
    pub(super) network: String,
    pub(super) account: String,
    pub(super) score: f64,
    pub(super) influence: f64,
    pub(super) confidence: f64,
    /// Only with --interval.
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
}

pub(super) const SETS: [Set; 4] = [
    Set {
        name: "higgs",
        files: &["interactions.csv.gz"],
        truth: &["truth.csv.gz", "victims.csv"],
        registered: Some("registered.csv.gz"),
        as_of: "2012-07-04T04:00:00Z",
    },
    Set {
        name: "quantum",
        files: &["interactions.csv.gz", "posts.csv.gz"],
        truth: &["truth.csv.gz"],
        registered: None,
        as_of: "2018-06-01T00:00:00Z",
    },
    Set {
        name: "peerindex",
        files: &["counters.csv.gz"],
        truth: &["pairs.csv.gz"],
        registered: None,
        as_of: "2013-01-02T00:00:00Z",
    },
    Set {
        name: "github",
        files: &["interactions.csv.gz"],
        truth: &["truth.csv.gz"],
        registered: None,
        as_of: "2015-02-23T00:00:00Z",
    },
];

pub(super) const STAR_20: &str = "attack-star-20x5";
pub(super) const STAR_100: &str = "attack-star-100x20";
pub(super) const BOOST: &str = "honest-boost-20x5";

pub(super) const EXTRAS: [Extra; 3] = [
    Extra { set: "higgs", name: STAR_20 },
    Extra { set: "higgs", name: STAR_100 },
    Extra { set: "higgs", name: BOOST },
];

/// Sees that everything is there before anything is built.
pub(super) fn expect(data: &Path) -> Result<()> {
    let hint =
        "docs/validation.md, section 6, says what belongs there, and --data names another folder";
    ensure!(data.is_dir(), "there is no folder {}; {hint}", data.display());
    let mut wanted = vec![PathBuf::from("measure.py")];
    for set in &SETS {
        let files = set.files.iter().chain(set.truth).chain(&set.registered);
        wanted.extend(files.map(|file| Path::new(set.name).join(file)));
        let extras = EXTRAS.iter().filter(|it| it.set == set.name);
        wanted.extend(extras.map(|it| extra_file(Path::new(""), set, it.name)));
    }
    wanted.retain(|file| !data.join(file).is_file());
    let missing: Vec<_> = wanted.iter().map(|it| it.display().to_string()).collect();
    ensure!(missing.is_empty(), "{} has no {}; {hint}", data.display(), missing.join(", "));
    Ok(())
}

pub(super) fn extra_file(data: &Path, set: &Set, extra: &str) -> PathBuf {
    data.join(set.name).join(format!("{extra}.csv.gz"))
}

/// Reads what `klout rank` wrote.
pub(super) fn scores(path: &Path) -> Result<Vec<Scored>> {
    let mut reader = csv::Reader::from_path(path)?;
    let rows: Result<Vec<Scored>, _> = reader.deserialize().collect();
    rows.with_context(|| format!("{} is no file of scores", path.display()))
}

// === impl Set ===

impl Set {
    pub(super) fn input(&self, data: &Path) -> Input {
        let file = |name: &&str| data.join(self.name).join(name);
        Input {
            files: self.files.iter().map(file).collect(),
            registered: self.registered.as_ref().map(file),
            as_of: self.as_of.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_the_sets_is_told_what_belongs_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("measure.py"), "").expect("the folder is ours");
        let error = expect(folder.path()).expect_err("there is nothing else").to_string();
        assert!(error.contains("higgs/attack-star-100x20.csv.gz, higgs/"), "{error}");
        assert!(error.contains("quantum/posts.csv.gz"), "{error}");
        assert!(!error.contains("measure.py"), "what is there is not missing: {error}");
        assert!(error.contains("--data"), "{error}");
    }
}
