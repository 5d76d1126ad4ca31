//! Where the stores keep what: all paths, and who may enter them.

use std::{
    env,
    fs::{self, DirBuilder, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::{
        DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, lchown,
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

use crate::{
    error::Error,
    programs::postgres_programs,
    user::{Unprivileged, may_run},
};

/// What a new database and its first log need, with room to breathe.
pub const FREE_BYTES_MIN: u64 = 128 * 1024 * 1024;

/// The longest path of a Unix socket that every system takes, in bytes.
const SOCKET_PATH_MAX: usize = 103;

/// The name of Postgres' socket in its folder.
const POSTGRES_SOCKET: &str = ".s.PGSQL.5432";

/// The name of Redis' socket.
const REDIS_SOCKET: &str = "redis.sock";

/// How long an earlier keeper may take to stop its stores: more than it gives them.
const STOP_TIME_MAX: Duration = Duration::from_secs(60);

/// Where the stores lie whose user cannot enter the data directory.
const ELSEWHERE: &str = "/var/lib/klout";

/// The file in the data directory that says so.
const RECORD: &str = "stores.path";

/// The file there that names the data directory.
const OWNER: &str = "data-directory";

/// A log that has grown over this is put aside at the next start.
const LOG_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The bytes at the end of a log that are told when a store failed.
const TOLD_BYTES: u64 = 1_500;

/// The folder of an installation, as far as its stores are concerned.
///
/// ```text
/// FOLDER/id                 names the folders that lie elsewhere
/// FOLDER/keeper.lock        held by the keeper
/// FOLDER/postgres.log, redis.log
/// FOLDER/stores.path        where the stores are, when not in FOLDER/stores
/// FOLDER/stores/postgres    the cluster
/// FOLDER/stores/sockets     the sockets, unless their paths get too long
/// ```
#[derive(Clone, Debug)]
pub struct Home {
    pub(crate) folder: PathBuf,
    pub(crate) stores: PathBuf,
    pub(crate) sockets: PathBuf,
    pub(crate) user: Option<Unprivileged>,
}

// === impl Home ===

impl Home {
    /// Makes what is not there yet, and finds what is.
    ///
    /// As root the stores run as another user. When that user cannot enter `folder`, the stores lie in
    /// `/var/lib/klout/ID`, which `stores.path` in the folder says.
    ///
    /// # Errors
    ///
    /// When a folder cannot be made, or a path is not UTF-8.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let user = Unprivileged::find()?;
        // The user of the stores has to pass; everything that is secret in there is closed by itself.
        let mode = if user.is_some() { 0o711 } else { 0o700 };
        make_folder(folder, mode)?;
        let folder = folder.canonicalize().map_err(Error::file("find", folder))?;
        let id = keep_id(&folder)?;
        let stores = stores_folder(&folder, &id, user.as_ref())?;
        let sockets = sockets_folder(&stores, &id, user.as_ref())?;
        Ok(Self { folder, stores, sockets, user })
    }

    /// The folder that the stores of `folder` lie in, or will if nobody has used it yet. Makes nothing.
    #[must_use]
    pub fn stores_of(folder: &Path) -> PathBuf {
        recorded(folder).unwrap_or_else(|| folder.join("stores"))
    }

    /// Where the cluster of Postgres is, or will be.
    #[must_use]
    pub fn postgres_data(&self) -> PathBuf {
        self.stores.join("postgres")
    }

    /// The folder that both stores keep their files in.
    #[must_use]
    pub fn stores_folder(&self) -> &Path {
        &self.stores
    }

    /// What Postgres and Redis had to say lately.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    pub(crate) fn postgres_url(&self) -> Result<String, Error> {
        let folder = utf8(&self.sockets)?;
        let folder = utf8_percent_encode(folder, NON_ALPHANUMERIC);
        Ok(format!("postgres://klout@localhost/klout?host={folder}"))
    }

    pub(crate) fn redis_socket(&self) -> PathBuf {
        self.sockets.join(REDIS_SOCKET)
    }

    pub(crate) fn redis_url(&self) -> Result<String, Error> {
        let socket = self.redis_socket();
        let parts = utf8(&socket)?.split('/');
        let parts: Vec<_> =
            parts.map(|part| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string()).collect();
        Ok(format!("redis+unix://{}", parts.join("/")))
    }

    /// Held by whoever runs the stores, so that two keepers never work on one folder.
    ///
    /// Waits for a keeper that is on its way out, and calls `waiting` once if it does.
    pub(crate) fn lock(&self, waiting: impl FnOnce()) -> Result<File, Error> {
        let path = self.folder.join("keeper.lock");
        let file = File::create(&path).map_err(Error::file("write", &path))?;
        let end = Instant::now() + STOP_TIME_MAX;
        let mut waiting = Some(waiting);
        while file.try_lock().is_err() {
            if let Some(waiting) = waiting.take() {
                waiting();
            }
            if Instant::now() > end {
                return Err(Error::StillStopping { folder: self.folder.clone() });
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(file)
    }

    /// A log to append to; one that has grown large is put aside.
    pub(crate) fn open_log(&self, name: &str) -> Result<File, Error> {
        let path = self.log(name);
        if fs::metadata(&path).is_ok_and(|it| it.len() > LOG_BYTES_MAX) {
            fs::rename(&path, path.with_extension("log.old"))
                .map_err(Error::file("put aside", &path))?;
        }
        // What failed may be told with the values that it failed on.
        let mut options = File::options();
        options.create(true).append(true).mode(0o600);
        options.open(&path).map_err(Error::file("write", &path))
    }

    /// The end of a log, for a message: on lines of its own, or empty.
    pub(crate) fn said(&self, name: &str) -> String {
        let tail = || -> io::Result<String> {
            let mut file = File::open(self.log(name))?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(TOLD_BYTES)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let tail = tail().unwrap_or_default();
        let lines: Vec<_> = tail.lines().collect();
        let last = &lines[lines.len().saturating_sub(6)..];
        if last.is_empty() { String::new() } else { format!(":\n  {}", last.join("\n  ")) }
    }

    /// Refuses a disk that is nearly full, before a store finds out in the middle of something.
    pub(crate) fn check_room(&self) -> Result<(), Error> {
        let free = free_bytes(&self.stores)?;
        if free >= FREE_BYTES_MIN {
            return Ok(());
        }
        let mib = |bytes| bytes / (1024 * 1024);
        Err(Error::DiskFull {
            folder: self.stores.clone(),
            free_mib: mib(free),
            needed_mib: mib(FREE_BYTES_MIN),
        })
    }
}

/// The bytes that are left for ordinary users on the disk of `folder`.
///
/// # Errors
///
/// When the folder cannot be looked at.
pub fn free_bytes(folder: &Path) -> Result<u64, Error> {
    let disk = rustix::fs::statvfs(folder).map_err(io::Error::from);
    let disk = disk.map_err(Error::file("look at the disk of", folder))?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Stores that lie elsewhere and whose data directory is gone, as far as we may look. Nobody but a
/// person can know that they are not needed any more.
#[must_use]
pub fn stray_stores() -> Vec<PathBuf> {
    let entries = fs::read_dir(ELSEWHERE).into_iter().flatten().flatten();
    let stores = entries.map(|entry| entry.path());
    let is_stray = |stores: &PathBuf| {
        let owner = fs::read_to_string(stores.join(OWNER)).ok()?;
        let recorded = fs::read_to_string(Path::new(&owner).join(RECORD)).unwrap_or_default();
        Some(Path::new(recorded.trim_end()) != stores)
    };
    stores.filter(|stores| is_stray(stores).unwrap_or(false)).collect()
}

/// Makes a folder, and those above it, for us alone as far as `mode` says.
fn make_folder(folder: &Path, mode: u32) -> Result<(), Error> {
    if folder.is_dir() {
        return Ok(());
    }
    let failed = || Error::file("make the folder", folder);
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(failed())?;
    }
    match DirBuilder::new().mode(mode).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed()(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A name that no other folder has, made once.
fn keep_id(folder: &Path) -> Result<String, Error> {
    let path = folder.join("id");
    match fs::read_to_string(&path) {
        Ok(id) if !id.trim().is_empty() => return Ok(id.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::file("read", &path)(error)),
    }
    let id = Uuid::new_v4().simple().to_string()[..16].to_owned();
    fs::write(&path, &id).map_err(Error::file("write", &path))?;
    Ok(id)
}

/// Where the stores are: as recorded, else in the folder if they can be, else elsewhere.
fn stores_folder(folder: &Path, id: &str, user: Option<&Unprivileged>) -> Result<PathBuf, Error> {
    let record = folder.join(RECORD);
    if let Some(recorded) = recorded(folder) {
        return Ok(recorded);
    }
    let inside = folder.join("stores");
    let Some(user) = user else {
        make_folder(&inside, 0o700)?;
        return Ok(inside);
    };
    let enters =
        |programs: &crate::PostgresPrograms| may_run(&programs.folder.join("initdb"), user, folder);
    if inside.is_dir() || postgres_programs().first().is_none_or(enters) {
        give(&inside, user)?;
        return Ok(inside);
    }
    let elsewhere = Path::new(ELSEWHERE).join(id);
    make_folder(Path::new(ELSEWHERE), 0o711)?;
    make_folder(&elsewhere, 0o700)?;
    let owner = elsewhere.join(OWNER);
    if !owner.exists() {
        fs::write(&owner, utf8(folder)?).map_err(Error::file("write", &owner))?;
    }
    give(&elsewhere, user)?;
    fs::write(&record, format!("{}\n", utf8(&elsewhere)?))
        .map_err(Error::file("write", &record))?;
    Ok(elsewhere)
}

/// Where the stores lie, if not in the folder.
fn recorded(folder: &Path) -> Option<PathBuf> {
    let recorded = fs::read_to_string(folder.join(RECORD)).ok()?;
    Some(PathBuf::from(recorded.trim_end_matches('\n')))
}

/// Where the sockets are: beside the stores unless their paths get too long for the system.
fn sockets_folder(stores: &Path, id: &str, user: Option<&Unprivileged>) -> Result<PathBuf, Error> {
    let fits =
        |folder: &Path| folder.as_os_str().len() + 1 + POSTGRES_SOCKET.len() <= SOCKET_PATH_MAX;
    let inside = stores.join("sockets");
    if fits(&inside) {
        match user {
            Some(user) => give(&inside, user)?,
            None => make_folder(&inside, 0o700)?,
        }
        return Ok(inside);
    }
    if let Some(user) = user {
        make_folder(Path::new("/run/klout"), 0o711)?;
        let short = Path::new("/run/klout").join(id);
        give(&short, user)?;
        return Ok(short);
    }
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|it| it.is_dir());
    let short = runtime.unwrap_or_else(env::temp_dir).join(format!("klout-{id}"));
    make_folder(&short, 0o700)?;
    // Somebody else may have been there first, in a folder that all share.
    let metadata = fs::symlink_metadata(&short).map_err(Error::file("look at", &short))?;
    let ours = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
    if ours && metadata.permissions().mode() & 0o077 == 0 {
        return Ok(short);
    }
    let stolen = io::Error::new(io::ErrorKind::PermissionDenied, "it is not ours alone");
    Err(Error::file("use the folder", &short)(stolen))
}

/// Makes a folder that is `user`'s alone. Only what root has made is given away: never somebody else's
/// folder, nor what a link leads to.
fn give(folder: &Path, user: &Unprivileged) -> Result<(), Error> {
    make_folder(folder, 0o700)?;
    let metadata = fs::symlink_metadata(folder).map_err(Error::file("look at", folder))?;
    if metadata.is_dir() && metadata.uid() == user.uid {
        return Ok(());
    }
    if !metadata.is_dir() || metadata.uid() != 0 {
        let others = io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is somebody else's; run as the user whose it is",
        );
        return Err(Error::file("use the folder", folder)(others));
    }
    lchown(folder, Some(user.uid), Some(user.gid)).map_err(Error::file("give away", folder))
}

fn utf8(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| Error::PathEncoding { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_puts_the_sockets_elsewhere_and_every_open_finds_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let long = folder.path().join("x".repeat(100)).join("y".repeat(100));

        let home = Home::open(&long).expect("it opens");

        assert!(home.sockets.as_os_str().len() < 80, "{home:?}");
        assert_eq!(Home::open(&long).expect("it opens again").sockets, home.sockets);
        fs::remove_dir_all(&home.sockets).expect("removed");
    }

    #[test]
    fn a_path_with_signs_that_mean_something_in_a_url_is_escaped() {
        let home = Home {
            folder: PathBuf::new(),
            stores: PathBuf::new(),
            sockets: PathBuf::from("/a b?c#d%/e"),
            user: None,
        };
        let url = home.postgres_url().expect("a URL");
        assert!(url.ends_with("?host=%2Fa%20b%3Fc%23d%25%2Fe"), "{url}");
        let url = home.redis_url().expect("a URL");
        assert_eq!(url, "redis+unix:///a%20b%3Fc%23d%25/e/redis%2Esock");
    }

    #[test]
    fn the_end_of_a_log_is_told_on_lines_of_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::open(folder.path()).expect("it opens");
        assert_eq!(home.said("postgres"), "");
        fs::write(home.log("postgres"), "one\ntwo\n").expect("a log");
        assert_eq!(home.said("postgres"), ":\n  one\n  two");
    }
}
