//! The file of customers, which is read more than once: what is packed, or comes in at stdin, is kept as it is until then.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use klout_import::Input;
use tempfile::NamedTempFile;

use crate::exit::Failure;

/// Bytes of a file that a job takes.
const FILE_BYTES_MAX: u64 = 150_000_000;

/// What gzip begins with.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A file of customers, unpacked.
#[derive(Debug)]
pub(super) struct Customers {
    path: PathBuf,
    /// What is kept under that path, and is gone with this.
    _kept: Option<NamedTempFile>,
    /// What files are called that come of it.
    stem: String,
}

// === impl Customers ===

impl Customers {
    /// The file at `path`; `-` is stdin.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let is_stdin = path.as_os_str() == "-";
        let failed = |problem: &dyn std::fmt::Display| {
            let name = if is_stdin { "stdin".into() } else { path.to_string_lossy() };
            Failure::Failed(format!("{name}: {problem}"))
        };
        let too_long = || failed(&"is longer than 150 MB; split it, with the header in each piece");
        let name =
            |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !is_stdin && !is_packed(path).map_err(|error| failed(&error))? {
            if fs::metadata(path).map_err(|error| failed(&error))?.len() > FILE_BYTES_MAX {
                return Err(too_long());
            }
            return Ok(Self { path: path.to_owned(), _kept: None, stem: name(path) });
        }
        let input = Input::open(path).map_err(|error| Failure::failed(&error))?;
        let mut kept = NamedTempFile::new().map_err(|error| failed(&error))?;
        let copied = io::copy(&mut input.take(FILE_BYTES_MAX + 1), &mut kept);
        if copied.map_err(|error| failed(&error))? > FILE_BYTES_MAX {
            return Err(too_long());
        }
        kept.flush().map_err(|error| failed(&error))?;
        // `customers.csv.gz` is a packed `customers.csv`.
        let stem = if is_stdin { "customers".to_owned() } else { name(Path::new(&name(path))) };
        Ok(Self { path: kept.path().to_owned(), _kept: Some(kept), stem })
    }

    /// Where it can be read as often as one likes, as long as this is there.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn stem(&self) -> &str {
        &self.stem
    }
}

fn is_packed(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(GZIP_MAGIC.len() as u64).read_to_end(&mut start)?;
    Ok(start == GZIP_MAGIC)
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const ROWS: &str = "key,email\n1,a@example.org\n";

    #[test]
    fn a_packed_file_is_read_as_if_it_were_not_and_named_alike() {
        let folder = tempfile::tempdir().expect("a folder");
        let (plain, packed) = (folder.path().join("crm.csv"), folder.path().join("crm.csv.gz"));
        fs::write(&plain, ROWS).expect("written");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(ROWS.as_bytes()).expect("packed");
        fs::write(&packed, encoder.finish().expect("packed")).expect("written");
        for path in [plain, packed] {
            let customers = Customers::open(&path).expect("opened");
            assert_eq!(fs::read_to_string(customers.path()).expect("read"), ROWS);
            assert_eq!(customers.stem(), "crm");
        }
    }

    #[test]
    fn what_is_longer_than_a_job_takes_is_refused_however_well_it_is_packed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("crm.csv.gz");
        let mut encoder = GzEncoder::new(File::create(&path).expect("made"), Compression::fast());
        io::copy(&mut io::repeat(b'\n').take(FILE_BYTES_MAX + 1), &mut encoder).expect("packed");
        encoder.finish().expect("packed");
        let refused = Customers::open(&path).expect_err("too long");
        assert!(matches!(&refused, Failure::Failed(why) if why.contains("150 MB")), "{refused:?}");
    }
}
