//! `klout up` on a folder of its own, watched from outside.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Signal, geteuid};
use serde_json::Value;
use tempfile::TempDir;

use crate::{AS_OF, Output, Process, binary, run};

/// How long something may take that is waited for, on a loaded machine too: it only ends a failed test.
const PATIENCE: Duration = Duration::from_secs(180);

/// An ordinary user that every system has; tests that run as root can become it.
const ORDINARY_USER: u32 = 65_534;

/// A folder for `klout up`, and how it is called there.
#[derive(Debug)]
pub struct Machine {
    /// Holds everything that this machine has; nobody's until a test says so.
    place: TempDir,
    /// The data directory, which does not exist yet.
    pub directory: PathBuf,
    program: PathBuf,
    user: Option<u32>,
    variables: Vec<(&'static str, String)>,
    /// What `klout up` is given beside folder and addresses.
    arguments: Vec<&'static str>,
}

/// A `klout up` that is ready.
#[derive(Debug)]
pub struct Up<'a> {
    machine: &'a Machine,
    process: Process,
}

// === impl Machine ===

impl Machine {
    /// One where everything is as it should be.
    ///
    /// # Panics
    ///
    /// When there is no place for temporary files.
    #[must_use]
    pub fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let directory = place.path().join("data");
        Self {
            place,
            directory,
            program: binary(),
            user: None,
            variables: Vec::new(),
            arguments: vec!["--as-of", AS_OF],
        }
    }

    /// The same, used by an ordinary user: if we are root, by another one.
    ///
    /// # Panics
    ///
    /// When the folder cannot be given away.
    #[must_use]
    pub fn of_an_ordinary_user(mut self) -> Self {
        if !geteuid().is_root() {
            return self;
        }
        // A folder of root may be closed to everybody else, so the program comes along.
        let program = self.place.path().join("klout");
        fs::hard_link(&self.program, &program)
            .or_else(|_| fs::copy(&self.program, &program).map(|_| ()))
            .expect("copied");
        chown(self.place.path(), Some(ORDINARY_USER), None).expect("given away");
        (self.program, self.user) = (program, Some(ORDINARY_USER));
        self
    }

    /// The same, where nobody but the owner may enter the folder.
    ///
    /// # Panics
    ///
    /// When the mode cannot be changed.
    #[must_use]
    pub fn closed_to_others(self) -> Self {
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(self.place.path(), mode).expect("closed");
        self
    }

    /// The same, with a path of more than 200 characters.
    #[must_use]
    pub fn with_a_long_path(mut self) -> Self {
        self.directory = self.place.path().join("l".repeat(110)).join("ong path, with ✓".repeat(6));
        self
    }

    /// The same, with a variable in the environment.
    #[must_use]
    pub fn with_variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// The same, with the made-up world.
    #[must_use]
    pub fn with_the_sample(mut self) -> Self {
        self.arguments = vec!["--sample"];
        self
    }

    /// The same, on another folder.
    #[must_use]
    pub fn on(mut self, directory: PathBuf) -> Self {
        self.directory = directory;
        self
    }

    /// Starts `klout up` and waits until it is ready.
    #[must_use]
    pub fn up(&self) -> Up<'_> {
        Up { machine: self, process: Process::start(self.up_command()) }
    }

    /// Starts `klout up` and lets `look` watch it until that says so; then kills it, and what keeps its
    /// stores too.
    ///
    /// # Panics
    ///
    /// When nothing of that happens for three minutes.
    pub fn up_killed_when(&self, look: impl Fn() -> bool) {
        let mut child = self.up_command().stderr(Stdio::null()).spawn().expect("it starts");
        until("it gets there", look);
        child.kill().expect("killed");
        for (pid, _) in
            self.processes().into_iter().filter(|(_, line)| line.contains("keep-stores"))
        {
            kill(pid, Signal::KILL);
        }
        child.wait().expect("it ends");
    }

    /// Runs `klout up` to its end.
    #[must_use]
    pub fn up_in_vain(&self) -> Output {
        run(&mut self.up_command())
    }

    /// Runs a command on the folder.
    #[must_use]
    pub fn klout(&self, arguments: &[&str]) -> Output {
        run(self.command().args(arguments).arg("--data-dir").arg(&self.directory))
    }

    /// The ranking, as exported.
    ///
    /// # Panics
    ///
    /// When it cannot be.
    #[must_use]
    pub fn ranking(&self) -> String {
        let exported = self.klout(&["export"]);
        assert_eq!(exported.code, Some(0), "{exported:?}");
        exported.stdout
    }

    /// A file of the data directory.
    ///
    /// # Panics
    ///
    /// When it is not there.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        let path = self.directory.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Every process that works on the folder, with its command line.
    #[must_use]
    pub fn processes(&self) -> Vec<(i32, String)> {
        processes(&self.directory)
    }

    /// Waits until nothing works on the folder any more.
    ///
    /// # Panics
    ///
    /// When something does for three minutes.
    pub fn until_nothing_is_left(&self) {
        until("nothing is left behind", || self.processes().is_empty());
    }

    fn up_command(&self) -> Command {
        let mut command = self.command();
        command
            .args(["up", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"])
            .args(&self.arguments);
        command.arg("--data-dir").arg(&self.directory);
        command
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("PATH", path()).current_dir("/");
        command.envs(self.variables.iter().map(|(name, value)| (*name, value)));
        if let Some(user) = self.user {
            command.uid(user);
        }
        command
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        remove_elsewhere(&self.directory);
    }
}

// === impl Up ===

impl Up<'_> {
    /// The process.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// Sends it a signal and goes on.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal);
    }

    /// Waits for its end.
    #[must_use]
    pub fn end(self) -> ExitStatus {
        self.process.wait()
    }

    /// Ends it in order.
    #[must_use]
    pub fn stop(self) -> ExitStatus {
        self.signal(Signal::INT);
        self.end()
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(self) {
        self.signal(Signal::KILL);
        let _ = self.end();
    }

    /// The process of that name among those of the folder.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn child(&self, word: &str) -> i32 {
        let processes = self.machine.processes();
        let found = processes.iter().find(|(_, line)| line.contains(word));
        found.unwrap_or_else(|| panic!("no {word} in {processes:#?}")).0
    }

    /// Waits until a process of that name is there that is not `pid`.
    ///
    /// # Panics
    ///
    /// When there is none for three minutes.
    pub fn until_another(&self, word: &str, pid: i32) {
        let another = |(other, line): &(i32, String)| *other != pid && line.contains(word);
        until(&format!("there is another {word}"), || self.machine.processes().iter().any(another));
    }

    /// Waits until it has said that on stderr.
    ///
    /// # Panics
    ///
    /// When it does not for three minutes.
    pub fn until_told(&self, text: &str) {
        until(&format!("it says: {text}"), || self.process.has_told(text));
    }

    /// The `count` lines that it has said on stderr after `heading`.
    ///
    /// # Panics
    ///
    /// When it has not said so much.
    #[must_use]
    pub fn told(&self, heading: &str, count: usize) -> Vec<String> {
        let told = self.process.told.lock().expect("nobody panics while reading");
        let lines: Vec<_> = told.iter().skip_while(|line| *line != heading).skip(1).collect();
        assert!(lines.len() >= count, "nothing under {heading}: {told:?}");
        lines.into_iter().take(count).cloned().collect()
    }

    /// A page of the gateway, for which nobody needs a key.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub async fn page(&self, path: &str) -> (u16, String) {
        let endpoints: Value =
            serde_json::from_str(&self.machine.file("endpoints.json")).expect("JSON");
        let server = endpoints["http"].as_str().expect("an address");
        let response = klout_testkit::http_client()
            .get(format!("{server}{path}"))
            .send()
            .await
            .expect("the gateway answers");
        (response.status().as_u16(), response.text().await.expect("text"))
    }
}

/// Looks again and again until `condition` holds.
///
/// # Panics
///
/// When it does not hold for three minutes; the message is `what`.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Every process that works on a folder of `klout up` or of stores, with its command line, and those that it
/// has started under another one.
pub(crate) fn processes(directory: &Path) -> Vec<(i32, String)> {
    let whole = directory.display().to_string();
    // The stores may lie elsewhere, and their sockets too.
    let elsewhere = fs::read_to_string(directory.join("stores.path")).unwrap_or_default();
    let id = fs::read_to_string(directory.join("id")).unwrap_or_default();
    let names = [whole.as_str(), elsewhere.trim(), id.trim()];
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("Linux").flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let named = names.iter().any(|name| !name.is_empty() && line.contains(name));
        found.push((pid, parent(&entry.path()), line, named));
    }
    let named: Vec<_> = found.iter().filter(|it| it.3).map(|it| it.0).collect();
    found.retain(|(_, parent, _, is_named)| {
        *is_named || parent.is_some_and(|it| named.contains(&it))
    });
    found.into_iter().map(|(pid, _, line, _)| (pid, line)).collect()
}

/// Who has started a process: the second number behind its name.
fn parent(process: &Path) -> Option<i32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let (_, numbers) = stat.rsplit_once(") ")?;
    numbers.split(' ').nth(1)?.parse().ok()
}

/// Removes what the stores of a folder have outside of it.
pub(crate) fn remove_elsewhere(directory: &Path) {
    if let Ok(elsewhere) = fs::read_to_string(directory.join("stores.path")) {
        // It may never have been made.
        let _ = fs::remove_dir_all(Path::new(elsewhere.trim()));
    }
}

/// Sends a signal to a process that a test has started.
pub fn kill(pid: i32, signal: Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        // An error means that it has ended already.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

#[expect(clippy::disallowed_methods, reason = "where the programs of this machine are")]
fn path() -> String {
    std::env::var("PATH").expect("a PATH")
}
