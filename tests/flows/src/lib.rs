//! What flows stand on: the real binary, started as one process or as six, and asked as its users ask
//! it.

pub mod kill;
pub mod up;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use klout_testkit::{Stores, http_client};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use uuid::Uuid;

/// The clock of all flows.
pub const AS_OF: &str = "2018-06-01T00:00:00Z";

/// How long a process may take to be ready: long enough for a loaded machine, as it only ends a failed
/// test.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every service, by its name on the command line, with its port.
/// Every service, and its port. The others ask social-graph who left before they serve.
const SERVICES: [(&str, u16); 6] = [
    ("social-graph", 50_003),
    ("connector", 50_001),
    ("scoring", 50_002),
    ("topics", 50_004),
    ("perks", 50_005),
    ("gateway", 50_006),
];

/// Scoring once more.
pub const ANOTHER_SCORING: (&str, u16) = ("another scoring", 50_012);

/// Perks once more.
pub const ANOTHER_PERKS: (&str, u16) = ("another perks", 50_015);

/// Where the gateway answers HTTP.
const HTTP_PORT: u16 = 8_080;

/// Secrets of these installations alone.
const ACCOUNT_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const TOKEN_SECRET: &str = "a secret that flows share and nobody else";
const TOKEN_KEYS: &str = "flows:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// An installation of Klout that runs: its stores, its processes, a key.
#[derive(Debug)]
pub struct Installation {
    /// Where its data is.
    pub stores: Stores,
    /// An address that no other installation on this machine has.
    host: Ipv4Addr,
    processes: BTreeMap<&'static str, Process>,
    key: String,
    /// What its processes have in their environment besides.
    variables: Vec<(&'static str, String)>,
}

/// A running `klout serve`; killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Every line of its stderr so far.
    told: Arc<Mutex<Vec<String>>>,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Output {
    /// 0 done, 1 failed, 2 usage, 64 configuration.
    pub code: Option<i32>,
    /// Results.
    pub stdout: String,
    /// Everything else.
    pub stderr: String,
}

// === impl Installation ===

impl Installation {
    /// All six services in one process.
    pub async fn of_one_process() -> Self {
        let mut installation = Self::prepare(Stores::fresh().await, Vec::new());
        installation.start("all");
        installation
    }

    /// Each service in a process of its own.
    pub async fn of_six_processes() -> Self {
        Self::of_six_processes_with(Vec::new()).await
    }

    /// The same, with variables in their environment.
    pub async fn of_six_processes_with(variables: Vec<(&'static str, String)>) -> Self {
        Self::prepare(Stores::fresh().await, variables).with_six_processes()
    }

    /// The same on these stores, where services can be stopped at their failpoints by files in a folder.
    ///
    /// # Panics
    ///
    /// When the folder has no name in UTF-8.
    #[must_use]
    pub fn with_failpoints(stores: Stores, folder: &Path) -> Self {
        Self::with_failpoints_and(stores, folder, Vec::new())
    }

    /// The same, with more variables in their environment.
    ///
    /// # Panics
    ///
    /// When the folder has no name in UTF-8.
    #[must_use]
    pub fn with_failpoints_and(
        stores: Stores,
        folder: &Path,
        mut variables: Vec<(&'static str, String)>,
    ) -> Self {
        let folder = folder.to_str().expect("a path of UTF-8").to_owned();
        variables.push(("KLOUT_FAILPOINTS", folder));
        Self::prepare(stores, variables).with_six_processes()
    }

    fn with_six_processes(mut self) -> Self {
        for (service, _) in SERVICES {
            self.start(service);
        }
        self
    }

    fn prepare(stores: Stores, variables: Vec<(&'static str, String)>) -> Self {
        let [a, b, ..] = Uuid::new_v4().into_bytes();
        let mut installation = Self {
            stores,
            // All of 127.0.0.0/8 is this machine: ports need not be looked for.
            host: Ipv4Addr::new(127, 77, a, b.clamp(1, 254)),
            processes: BTreeMap::new(),
            key: String::new(),
            variables,
        };
        installation.key = installation.key_for("operator");
        installation
    }

    /// A service token of somebody who calls for that.
    ///
    /// # Panics
    ///
    /// When there is none to be had.
    #[must_use]
    pub fn key_for(&self, purpose: &str) -> String {
        let made = self.klout(&["keys", "token", "flow", "--purpose", purpose]);
        assert_eq!(made.code, Some(0), "{made:?}");
        made.stdout.trim().to_owned()
    }

    /// Starts a service, or `all` in one process, and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it does not get ready.
    pub fn start(&mut self, service: &'static str) {
        let port = SERVICES.iter().find(|(name, _)| *name == service).map_or(0, |(_, port)| *port);
        let command = self.serve(service, port);
        self.processes.insert(service, Process::start(command));
    }

    /// Starts another process of scoring, which gets to the stores by another way. [`Self::grpc`] tells where it is.
    ///
    /// # Panics
    ///
    /// When it does not get ready.
    pub fn start_another_scoring(&mut self, stores: &Stores) {
        let (name, port) = ANOTHER_SCORING;
        let mut command = self.serve("scoring", port);
        put_stores(&mut command, stores);
        self.processes.insert(name, Process::start(command));
    }

    /// Two processes of perks on these stores and nothing else: whom they ask is where the variables say.
    ///
    /// # Panics
    ///
    /// When the folder has no name in UTF-8.
    #[must_use]
    pub fn of_two_perks(
        stores: Stores,
        folder: &Path,
        mut variables: Vec<(&'static str, String)>,
    ) -> Self {
        let folder = folder.to_str().expect("a path of UTF-8").to_owned();
        variables.push(("KLOUT_FAILPOINTS", folder));
        let mut installation = Self::prepare(stores, variables);
        installation.start("perks");
        installation.start_another_perks();
        installation
    }

    /// Starts the second process of perks, or starts it again.
    ///
    /// # Panics
    ///
    /// When it does not get ready.
    pub fn start_another_perks(&mut self) {
        let (name, port) = ANOTHER_PERKS;
        let command = self.serve("perks", port);
        self.processes.insert(name, Process::start(command));
    }

    /// `klout serve` as it is to be started.
    fn serve(&self, service: &'static str, port: u16) -> Command {
        let mut command = self.command();
        // Topics are those of the last epoch as soon as they can be.
        command.env("KLOUT_TOPICS__PASS_PAUSE", "0s");
        command.args(["serve", "--as-of", AS_OF]);
        command.args(["--http", &format!("{}:{HTTP_PORT}", self.host)]);
        command.args(["--grpc", &format!("{}:{port}", self.host)]);
        if service != "all" {
            command.arg(service);
            for (name, port) in SERVICES.iter().filter(|(name, _)| *name != service) {
                let variable = name.replace('-', "_").to_uppercase();
                command.env(
                    format!("KLOUT_LINKS__{variable}"),
                    format!("http://{}:{port}", self.host),
                );
            }
        }
        // What a test says is said last.
        command.envs(self.variables.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Ends a service in order, as a supervisor does.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn stop(&mut self, service: &'static str) -> ExitStatus {
        self.processes.remove(service).expect("it runs").end(Signal::TERM)
    }

    /// Ends a service in the middle of whatever it does.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn kill(&mut self, service: &'static str) {
        self.processes.remove(service).expect("it runs").end(Signal::KILL);
    }

    /// The process of a service.
    ///
    /// # Panics
    ///
    /// When it does not run.
    #[must_use]
    pub fn pid(&self, service: &str) -> i32 {
        self.processes.get(service).expect("it runs").pid()
    }

    /// Runs the command line against this installation.
    #[must_use]
    pub fn klout(&self, arguments: &[&str]) -> Output {
        run(&mut self.command_of(arguments))
    }

    /// The same, to be started by whoever wants to do something to it meanwhile.
    #[must_use]
    pub fn command_of(&self, arguments: &[&str]) -> Command {
        let mut command = self.command();
        command.args(arguments);
        command
    }

    /// Imports a file, registers everybody in it, and waits for the scores.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn import(&self, file: &Path) -> Output {
        let file = file.to_str().expect("a path of UTF-8");
        let output = self.klout(&["import", "csv", file, "--register-all"]);
        assert_eq!(output.code, Some(0), "{output:?}");
        output
    }

    /// The ranking: account and score, as printed.
    ///
    /// # Panics
    ///
    /// When it cannot be exported.
    #[must_use]
    pub fn ranking(&self) -> BTreeMap<String, String> {
        let output = self.klout(&["export"]);
        assert_eq!(output.code, Some(0), "{output:?}");
        columns(&output.stdout, |row| (row["accounts"].clone(), row["score"].clone()))
    }

    /// What the gateway answers, with a key.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.get_with(path, &[]).await
    }

    /// The same, with more headers.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let mut request = http_client().get(format!("{}{path}", self.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.bearer_auth(&self.key).send().await.expect("the gateway answers");
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    /// Asks the gateway to erase somebody, and does not wait for an answer longer than that.
    pub async fn ask_to_erase(&self, person: i64, patience: Duration) {
        let url = format!("{}/v1/people/{person}", self.url());
        let request = http_client().delete(url).bearer_auth(&self.key).timeout(patience);
        // Whoever is killed meanwhile does not answer.
        let _ = request.send().await;
    }

    /// What the process of a service tells of itself, to somebody on this machine.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub async fn metrics(&self, service: &str) -> String {
        let port = SERVICES.iter().find(|(name, _)| *name == service).expect("a service").1;
        let url = format!("http://{}:{port}/metrics", self.host);
        let response = http_client().get(url).send().await.expect("the process answers");
        assert!(response.status().is_success(), "{response:?}");
        response.text().await.expect("text")
    }

    /// Every line that the process of a service has written so far.
    ///
    /// # Panics
    ///
    /// When it does not run.
    #[must_use]
    pub fn lines(&self, service: &str) -> Vec<String> {
        let told = &self.processes[service].told;
        told.lock().expect("nobody panics while reading").clone()
    }

    /// Where a service answers gRPC; [`ANOTHER_SCORING`] and [`ANOTHER_PERKS`] have names too.
    ///
    /// # Panics
    ///
    /// When there is no such service.
    #[must_use]
    pub fn grpc(&self, service: &str) -> String {
        let found = SERVICES
            .iter()
            .chain([&ANOTHER_SCORING, &ANOTHER_PERKS])
            .find(|(name, _)| *name == service);
        format!("http://{}:{}", self.host, found.expect("a service").1)
    }

    /// The key of an operator.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Where the gateway is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:{HTTP_PORT}", self.host)
    }

    /// The binary with this installation as its environment, and nothing else.
    fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command.env_clear().env("KLOUT_SERVER", self.url()).env("KLOUT_KEY", &self.key);
        command.env("KLOUT_SERVER__ACCOUNT_KEY", ACCOUNT_KEY);
        command.env("KLOUT_SERVER__TOKEN_SECRET", TOKEN_SECRET);
        command.env("KLOUT_CONNECTOR__TOKEN_KEYS", TOKEN_KEYS);
        put_stores(&mut command, &self.stores);
        command
    }
}

fn put_stores(command: &mut Command, stores: &Stores) {
    for (setting, value) in stores.flags() {
        let variable = setting.replace('.', "__").to_uppercase();
        command.env(format!("KLOUT_{variable}"), value);
    }
}

// === impl Process ===

impl Process {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("`cargo xtask test` has built the binary");
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let (ready_in, ready) = mpsc::channel();
        let told = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&told);
        // Reads on for as long as the process lives, which would stand still with a full pipe.
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let is_ready = line.starts_with("klout: ready:");
                lines.lock().expect("nobody panics while reading").push(line);
                if is_ready {
                    let _ = ready_in.send(true);
                }
            }
            let _ = ready_in.send(false);
        });
        match ready.recv_timeout(PATIENCE) {
            Ok(true) => Self { child, told },
            Ok(false) => {
                let told = told.lock().expect("nobody panics while reading");
                panic!("the process ended:\n{}", told.join("\n"))
            }
            Err(_) => panic!("the process is not ready after {PATIENCE:?}"),
        }
    }

    fn end(self, signal: Signal) -> ExitStatus {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the process is ours");
        self.wait()
    }

    /// Whether it has said that on stderr.
    fn has_told(&self, text: &str) -> bool {
        let told = self.told.lock().expect("nobody panics while reading");
        told.iter().any(|line| line.contains(text))
    }

    fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("the process ends")
    }

    fn pid(&self) -> i32 {
        Pid::from_child(&self.child).as_raw_nonzero().get()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, or there is nobody left who could be told.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ranks files without a server: account and score, as printed.
///
/// # Panics
///
/// When it fails.
#[must_use]
pub fn rank(files: &[&Path]) -> BTreeMap<String, String> {
    let mut command = Command::new(binary());
    let arguments = ["--as-of", AS_OF, "--out", "-"];
    command.env_clear().arg("rank").args(files).args(arguments);
    let output = run(&mut command);
    assert_eq!(output.code, Some(0), "{output:?}");
    columns(&output.stdout, |row| {
        (format!("{}:{}", row["network"], row["account"]), row["score"].clone())
    })
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("`cargo xtask test` has built the binary");
    let text = |bytes| String::from_utf8(bytes).expect("klout prints UTF-8");
    Output { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn columns(
    text: &str,
    pick: impl Fn(&BTreeMap<String, String>) -> (String, String),
) -> BTreeMap<String, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize().map(|row| pick(&row.expect("a row of CSV")));
    rows.collect()
}

/// `klout`, which is built into the folder above the one of the tests, where other programs are too.
///
/// # Panics
///
/// When it is not there.
#[must_use]
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test is a file");
    let folder = test.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    let folder = folder.expect("a program is in a folder");
    let binary = folder.join("klout");
    assert!(binary.exists(), "there is no {}: run `cargo build -p klout`", binary.display());
    binary
}
