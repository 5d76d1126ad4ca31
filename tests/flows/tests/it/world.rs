//! A small world in files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// The columns of all files here. With an id, a row is the same wherever it stands.
const HEADER: &str = "time,network,actor,subject,kind,count,id";

/// Files in a folder of their own.
pub(crate) struct Files {
    folder: TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn write(&self, name: &str, rows: &[String]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("{HEADER}\n{}\n", rows.join("\n"))).expect("a file");
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Reactions of 40 accounts over three months: some are liked more than others, a few not at all.
pub(crate) fn rows() -> Vec<String> {
    let kinds = ["like", "reply", "reshare", "follow", "mention"];
    (0..2_500_u32)
        .map(|row| {
            // Multiples of primes spread well enough, and are the same every time.
            let (actor, subject) = (row * 7 % 40, (row * row * 11 % 97) % 30);
            let actor = if row % 9 == 0 { String::new() } else { format!("a{actor}") };
            let kind = kinds[(row * 13 % 5) as usize];
            let (month, day) = (3 + row % 3, 4 + row * 17 % 25);
            let count = 1 + row % 4;
            format!("2018-{month:02}-{day:02}T08:00:00Z,bluesky,{actor},a{subject},{kind},{count},s{row}")
        })
        .collect()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a path of UTF-8")
}
