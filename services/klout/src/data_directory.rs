//! The folder of an installation of one machine: its secrets, its clock, who runs on it.
//!
//! ```text
//! DIR/lock             the pid of the process that runs on it, which holds a lock on the file
//! DIR/endpoints.json   where that process answers, while it does
//! DIR/account.key      the key of all account ids, made once and never changed
//! DIR/token.secret     signs and verifies keys
//! DIR/token.keys       seals the access that people gave to their accounts; a further key goes in front
//! DIR/operator.key     a key for whoever may read this folder
//! DIR/as-of            where the clock of the scores is pinned, if it is
//! DIR/sample.json      how far the made-up world was loaded, if it was asked for
//! DIR/rejected/        rows that imports left out
//! ```
//!
//! What the stores keep there is described in `klout_embedded::Home`.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use klout_chassis::{Clock, TokenKey};
use klout_embedded::Home;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use time::Duration;

use crate::exit::Failure;

/// How long the operator's key is valid. Whoever can read it can read the secret beside it, so that a
/// shorter time would protect nothing.
const OPERATOR_KEY_TIME: Duration = Duration::days(3_650);

/// The bytes of a secret that is made: 256 bits.
const SECRET_BYTES: usize = 32;

/// A folder that exists.
#[derive(Clone, Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
}

/// A folder that nobody else runs on, for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) directory: DataDirectory,
    _lock: File,
}

/// Who has the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Nobody.
    Free,
    /// A process that is not ready yet, or about to end.
    Busy { pid: String },
    /// A process that answers.
    Runs { pid: String, endpoints: Endpoints },
}

/// `endpoints.json`.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// The gateway, as a URL.
    pub(crate) http: String,
    /// All six services.
    pub(crate) grpc: String,
}

// === impl DataDirectory ===

impl DataDirectory {
    /// `klout` in the user's data folder, such as `~/.local/share/klout`.
    pub(crate) fn default_path() -> Result<PathBuf, Failure> {
        let folder = dirs::data_dir().ok_or_else(|| {
            Failure::Usage("there is no home folder; name a folder with --data-dir".to_owned())
        })?;
        Ok(folder.join("klout"))
    }

    /// The folder that was named, or the default one.
    pub(crate) fn path_or_default(path: Option<PathBuf>) -> Result<PathBuf, Failure> {
        path.map_or_else(Self::default_path, Ok)
    }

    /// Makes it if need be.
    pub(crate) fn open(path: &Path) -> Result<(Self, Home), Failure> {
        let home = Home::open(path).map_err(|error| Failure::failed(&error))?;
        let path = path.canonicalize().map_err(failed("find", path))?;
        Ok((Self { path }, home))
    }

    /// Takes it only if somebody has run on it before.
    pub(crate) fn existing(path: &Path) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        path.join("lock").exists().then_some(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps everybody else off, or says who is on it.
    pub(crate) fn hold(self) -> Result<Held, Failure> {
        let path = self.path.join("lock");
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed("write", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::Failed(format!(
                    "{} is in use by the klout with pid {}; stop that one, or name another folder \
                     with --data-dir",
                    self.path.display(),
                    pid(&mut file)
                )));
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
        }
        file.set_len(0).map_err(failed("write", &path))?;
        file.rewind().map_err(failed("write", &path))?;
        write!(file, "{}", std::process::id()).map_err(failed("write", &path))?;
        // What an earlier process left when it was killed.
        self.retract()?;
        Ok(Held { directory: self, _lock: file })
    }

    /// Who has it.
    pub(crate) fn in_use(&self) -> Result<Use, Failure> {
        let path = self.path.join("lock");
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Use::Free),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => return Ok(Use::Free),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
        }
        let pid = pid(&mut file);
        let text = fs::read_to_string(self.path.join("endpoints.json"));
        Ok(match text.ok().and_then(|text| serde_json::from_str(&text).ok()) {
            Some(endpoints) => Use::Runs { pid, endpoints },
            None => Use::Busy { pid },
        })
    }

    /// The settings that come from here: the secrets, made when there are none, and the clock.
    pub(crate) fn settings(&self) -> Result<Vec<(&'static str, String)>, Failure> {
        Ok(vec![
            ("server.account_key", self.secret("account.key")?),
            ("server.token_secret", self.token_secret()?),
            ("server.as_of", self.as_of()?.unwrap_or_default()),
            ("connector.token_keys", self.token_keys()?),
        ])
    }

    pub(crate) fn token_secret(&self) -> Result<String, Failure> {
        self.secret("token.secret")
    }

    /// What the connector seals with, as its setting has it; one key is made by the first who asks.
    fn token_keys(&self) -> Result<String, Failure> {
        const NAME: &str = "token.keys";
        if let Some(keys) = self.read(NAME)? {
            return Ok(keys.trim().to_owned());
        }
        let bytes: [u8; SECRET_BYTES] = rand::random();
        let keys = format!("first:{}", STANDARD.encode(bytes));
        self.write(NAME, &format!("{keys}\n"))?;
        Ok(keys)
    }

    /// Writes the operator's key, which the command line reads. Its secret stays the same, so older
    /// ones stay valid.
    pub(crate) fn write_operator_key(&self) -> Result<(), Failure> {
        let key = TokenKey::new(self.token_secret()?.as_bytes());
        let now = Clock::running().now();
        let token = key
            .mint("operator", "operator", now, OPERATOR_KEY_TIME)
            .map_err(|error| Failure::failed(&error))?;
        self.write("operator.key", &format!("{token}\n"))
    }

    pub(crate) fn operator_key(&self) -> Result<String, Failure> {
        let path = self.path.join("operator.key");
        let key = fs::read_to_string(&path).map_err(failed("read", &path))?;
        Ok(key.trim().to_owned())
    }

    /// Where the clock is pinned, RFC 3339. `None`: it runs.
    pub(crate) fn as_of(&self) -> Result<Option<String>, Failure> {
        Ok(self.read("as-of")?.map(|text| text.trim().to_owned()))
    }

    /// Pins the clock, now and for later starts; `None` lets it run.
    pub(crate) fn pin(&self, as_of: Option<&str>) -> Result<(), Failure> {
        match as_of {
            Some(time) => self.write("as-of", &format!("{time}\n")),
            None => self.remove("as-of"),
        }
    }

    /// Tells where the process answers: the file is whole from the moment it is there.
    pub(crate) fn announce(&self, http: SocketAddr, grpc: SocketAddr) -> Result<(), Failure> {
        let endpoints = Endpoints { http: format!("http://{http}"), grpc: grpc.to_string() };
        self.write_json("endpoints.json", &endpoints)
    }

    /// Takes that back.
    pub(crate) fn retract(&self) -> Result<(), Failure> {
        self.remove("endpoints.json")
    }

    /// A file of ours that may not be there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, Failure> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    pub(crate) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Failure::failed(&error))?;
        self.write(name, &text)
    }

    /// Writes beside and renames, for us alone: nobody ever reads half of it.
    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.path.join(name);
        // A temporary file is nobody else's to read: 0600.
        let written = NamedTempFile::new_in(&self.path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path).map(|_| ()).map_err(|error| error.error)
        });
        written.map_err(failed("write", &path))
    }

    fn remove(&self, name: &str) -> Result<(), Failure> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &path)(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// A secret of 64 hexadecimal digits, made by the first who asks.
    fn secret(&self, name: &str) -> Result<String, Failure> {
        if let Some(secret) = self.read(name)? {
            return Ok(secret.trim().to_owned());
        }
        let bytes: [u8; SECRET_BYTES] = rand::random();
        let secret: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.write(name, &format!("{secret}\n"))?;
        Ok(secret)
    }
}

fn pid(file: &mut File) -> String {
    let mut pid = String::new();
    // A process that has just taken the lock has not written it yet.
    let _ = file.read_to_string(&mut pid);
    if pid.is_empty() { "unknown".to_owned() } else { pid }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let path = path.display().to_string();
    move |error| Failure::Failed(format!("could not {action} {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn open(folder: &tempfile::TempDir) -> DataDirectory {
        DataDirectory::open(folder.path()).expect("it opens").0
    }

    #[test]
    fn secrets_are_made_once_and_are_nobody_elses_to_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let directory = open(&folder);
        let settings = directory.settings().expect("settings");
        assert_eq!(settings[0].1.len(), 64);
        assert_ne!(settings[0].1, settings[1].1);
        assert_eq!(open(&folder).settings().expect("settings"), settings);
        directory.write_operator_key().expect("a key");
        for name in ["account.key", "token.secret", "token.keys", "operator.key"] {
            let mode = fs::metadata(folder.path().join(name)).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_folder_is_held_by_one_and_the_other_is_told_by_whom() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(open(&folder).in_use().expect("read"), Use::Free);
        let held = open(&folder).hold().expect("held");

        let Err(Failure::Failed(refused)) = open(&folder).hold() else { panic!("held twice") };
        let pid = std::process::id().to_string();
        assert!(refused.contains(&pid), "{refused}");
        assert_eq!(open(&folder).in_use().expect("read"), Use::Busy { pid: pid.clone() });

        let address: SocketAddr = "127.0.0.1:8080".parse().expect("an address");
        held.directory.announce(address, address).expect("announced");
        let endpoints = Endpoints {
            http: "http://127.0.0.1:8080".to_owned(),
            grpc: "127.0.0.1:8080".to_owned(),
        };
        assert_eq!(open(&folder).in_use().expect("read"), Use::Runs { pid, endpoints });
        drop(held);
        assert_eq!(open(&folder).in_use().expect("read"), Use::Free);
    }

    #[test]
    fn a_pinned_clock_stays_pinned_until_it_is_let_go() {
        let folder = tempfile::tempdir().expect("a folder");
        open(&folder).pin(Some("2018-06-01T00:00:00Z")).expect("pinned");
        assert_eq!(open(&folder).as_of().expect("read").as_deref(), Some("2018-06-01T00:00:00Z"));
        open(&folder).pin(None).expect("let go");
        open(&folder).pin(None).expect("it was already");
        assert_eq!(open(&folder).as_of().expect("read"), None);
    }
}
