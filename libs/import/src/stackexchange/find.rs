//! Which files are the dump of which site.

use std::path::{Path, PathBuf};

use klout_model::NativeId;

use super::{
    Dump, Source, Table,
    archive::{is_archive, members},
    rows::Rows,
};
use crate::{Input, ReadError, input::list};

/// The other files of a dump.
const LEFT_ALONE: [&str; 4] = ["badges", "posthistory", "postlinks", "tags"];

/// What the folders of dumps are often called.
const PREFIX: &str = "stackexchange-";

/// What every site is called whose dump is not of a domain of its own.
const DOMAIN: &str = ".stackexchange.com";

/// In bytes: leaves room for the number in a native id.
const SITE_LENGTH_MAX: usize = 128;

/// The dumps that `paths` name: folders, archives, or the files themselves. All of them are the dump of
/// `site`; without one, each folder and each archive is the dump of what it is called.
///
/// # Errors
///
/// When users or posts are missing, a file is there twice or is not what it is called, or a path cannot
/// be read.
pub fn dumps(paths: &[PathBuf], site: Option<&str>) -> Result<Vec<Dump>, ReadError> {
    let mut dumps = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        if path.as_os_str() == "-" {
            let problem = "a dump is read from files: posts are read twice".to_owned();
            return Err(ReadError::Dump { name: "stdin".to_owned(), problem });
        }
        let whole =
            path.canonicalize().map_err(|source| ReadError::Open { name: name.clone(), source })?;
        if whole.is_dir() {
            let dump = of(&mut dumps, &whole, site)?;
            let before = dump.files.len();
            for file in list(path)? {
                let table = file.file_name().and_then(|it| Table::of_file(&it.to_string_lossy()));
                if let Some(table) = table {
                    dump.add(table, Source::Path(file))?;
                }
            }
            if dump.files.len() == before {
                let files = "Users.xml and Posts.xml, nor .gz files of them,".to_owned();
                return Err(ReadError::Folder { name, files });
            }
        } else if !whole.is_file() {
            let problem = "is no ordinary file, and posts are read twice".to_owned();
            return Err(ReadError::Dump { name, problem });
        } else if is_archive(&whole)? {
            let dump = of(&mut dumps, &whole, site)?;
            dump.archives.push(path.clone());
            for (member, bytes) in members(path)? {
                let file = member.rsplit('/').next().unwrap_or_default();
                if let Some(table) = Table::of_file(file) {
                    let archive = path.clone();
                    dump.add(table, Source::Packed { archive, member, bytes })?;
                }
            }
        } else if let Some(table) = table_of(path)? {
            let folder = whole.parent().unwrap_or(Path::new("/"));
            of(&mut dumps, folder, site)?.add(table, Source::Path(path.clone()))?;
        }
    }
    let dumps: Vec<Dump> = dumps.into_iter().map(|(_, dump)| dump).collect();
    dumps.iter().try_for_each(Dump::check)?;
    Ok(dumps)
}

/// The dump that a folder or an archive belongs to, new or found.
fn of<'a>(
    dumps: &'a mut Vec<(PathBuf, Dump)>,
    place: &Path,
    site: Option<&str>,
) -> Result<&'a mut Dump, ReadError> {
    // With a site, everything belongs together wherever it lies.
    let found = dumps.iter().position(|(it, _)| site.is_some() || it == place);
    let index = match found {
        Some(index) => index,
        None => {
            let site = site.map_or_else(|| site_of(place), str::to_owned);
            let usable = site.len() <= SITE_LENGTH_MAX && !site.contains('/');
            if !usable || site.parse::<NativeId>().is_err() {
                let problem = "does not tell the site; say it with --site".to_owned();
                return Err(ReadError::Dump { name: place.display().to_string(), problem });
            }
            let dump = Dump { site, archives: Vec::new(), files: Vec::new() };
            dumps.push((place.to_owned(), dump));
            dumps.len() - 1
        }
    };
    Ok(&mut dumps[index].1)
}

/// The site that a folder or an archive is called after.
fn site_of(place: &Path) -> String {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let name = if place.is_dir() { &name } else { name.strip_suffix(".7z").unwrap_or(&name) };
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    name.strip_suffix(DOMAIN).unwrap_or(name).to_owned()
}

/// What a file that was named itself holds, by its root element. `None`: what is left alone.
fn table_of(path: &Path) -> Result<Option<Table>, ReadError> {
    let rows = Rows::new(Input::open(path)?)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (called, root) = (Table::of_file(&name), rows.root());
    match Table::of_root(root) {
        Some(table) if called.is_none_or(|called| called == table) => Ok(Some(table)),
        None if called.is_none() && LEFT_ALONE.contains(&root) => Ok(None),
        Some(_) | None => {
            let problem = match called {
                Some(called) => {
                    format!("holds {root}, and not {}; are two files swapped?", called.root())
                }
                None => format!("holds {root}, which is no file of Stack Exchange's dump"),
            };
            Err(ReadError::Dump { name: path.display().to_string(), problem })
        }
    }
}

// === impl Dump ===

impl Dump {
    fn add(&mut self, table: Table, source: Source) -> Result<(), ReadError> {
        if let Some(first) = self.source(table) {
            let (site, root, name) = (&self.site, table.root(), first.name());
            let problem = format!("a second file of {root} of the site {site}, beside {name}");
            return Err(ReadError::Dump { name: source.name(), problem });
        }
        self.files.push((table, source));
        Ok(())
    }

    fn check(&self) -> Result<(), ReadError> {
        for table in [Table::Users, Table::Posts] {
            if self.source(table).is_none() {
                let (name, root) = (self.site.clone(), table.root());
                let problem = format!(
                    "no file of {root}; users and posts are what comments and votes speak of"
                );
                return Err(ReadError::Dump { name, problem });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_called_the_same_however_its_dump_came() {
        for (place, site) in [
            ("in/maths.stackexchange.com.7z", "maths"),
            ("in/maths.stackexchange.com", "maths"),
            ("in/stackexchange-maths.7z", "maths"),
            ("in/stackexchange-maths.stackexchange.com.7z", "maths"),
            ("in/maths", "maths"),
            ("in/maths.meta.stackexchange.com.7z", "maths.meta"),
            ("in/stackoverflow.com.7z", "stackoverflow.com"),
        ] {
            assert_eq!(site_of(Path::new(place)), site, "{place}");
        }
    }
}
