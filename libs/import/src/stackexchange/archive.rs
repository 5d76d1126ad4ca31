//! Archives of 7-Zip, in which Stack Exchange publishes its dumps.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use sevenz_rust2::{Archive, ArchiveReader, Password};

use super::{Source, Table, member_name};
use crate::ReadError;

/// The first bytes of every such archive.
const MAGIC: [u8; 6] = [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c];

/// What unpacking may take, in KiB: four times what 7-Zip's hardest setting asks for.
const MEMORY_KIB_MAX: usize = 256 * 1024;

pub(super) fn is_archive(path: &Path) -> Result<bool, ReadError> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(6).read_to_end(&mut start));
    read.map_err(|source| ReadError::Open { name: path.display().to_string(), source })?;
    Ok(start == MAGIC)
}

/// The names of the files in an archive, and their lengths unpacked.
pub(super) fn members(path: &Path) -> Result<Vec<(String, u64)>, ReadError> {
    let failed = failed(path);
    let mut file = File::open(path).map_err(|error| failed(error.into()))?;
    let archive = Archive::read_with_memory_limit(&mut file, &Password::empty(), MEMORY_KIB_MAX)
        .map_err(failed)?;
    let files = archive.files.iter().filter(|it| !it.is_directory());
    Ok(files.map(|it| (it.name().to_owned(), it.size())).collect())
}

/// Unpacks what is packed into temporary files. They have no name, so that none is left when this
/// process ends, however it ends.
pub(super) fn unpack(files: &mut [(Table, Source)]) -> Result<(), ReadError> {
    for path in archives_of(files) {
        let wanted = |source: &Source, name: &str| match source {
            Source::Packed { archive, member, .. } => *archive == path && member == name,
            Source::Path(_) | Source::Unpacked { .. } => false,
        };
        let failed = failed(&path);
        let file = File::open(&path).map_err(|error| failed(error.into()))?;
        let mut archive =
            ArchiveReader::new_with_memory_limit(file, Password::empty(), MEMORY_KIB_MAX)
                .map_err(&failed)?;
        let each = |entry: &sevenz_rust2::ArchiveEntry, bytes: &mut dyn io::Read| {
            let found = files.iter_mut().find(|(_, source)| wanted(source, entry.name()));
            if let Some((_, source)) = found {
                let mut file = tempfile::tempfile()?;
                io::copy(bytes, &mut file)?;
                let name = member_name(&path, entry.name());
                *source = Source::Unpacked { name, file };
            }
            Ok(true)
        };
        archive.for_each_entries(each).map_err(&failed)?;
    }
    Ok(())
}

/// Each archive that something is still packed in, once: it is unpacked in one go.
fn archives_of(files: &[(Table, Source)]) -> BTreeSet<PathBuf> {
    let archive = |source: &Source| match source {
        Source::Packed { archive, .. } => Some(archive.clone()),
        Source::Path(_) | Source::Unpacked { .. } => None,
    };
    files.iter().filter_map(|(_, source)| archive(source)).collect()
}

fn failed(path: &Path) -> impl Fn(sevenz_rust2::Error) -> ReadError {
    let name = path.display().to_string();
    move |error| ReadError::Dump {
        name: name.clone(),
        problem: format!("could not be unpacked; is it cut off? {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_of_several_tables_is_unpacked_once() {
        let packed = |archive: &str, member: &str| Source::Packed {
            archive: archive.into(),
            member: member.to_owned(),
            bytes: 1,
        };
        let files = [
            (Table::Users, packed("b.7z", "Users.xml")),
            (Table::Posts, packed("a.7z", "Posts.xml")),
            (Table::Comments, packed("b.7z", "Comments.xml")),
            (Table::Votes, Source::Path("Votes.xml".into())),
        ];
        let expected = ["a.7z", "b.7z"].map(PathBuf::from);
        assert!(archives_of(&files).into_iter().eq(expected));
    }
}
