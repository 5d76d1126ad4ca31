//! Redis, or Valkey, on a Unix socket. It is a cache here: it keeps nothing, and forgets what is old
//! when it has too much.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    error::Error,
    home::Home,
    keeper::Parent,
    server::{PAUSE, Store},
    user,
};

/// Its log, among those of the home.
const LOG: &str = "redis";

/// A million scores, about.
const MEMORY_MAX: &str = "256mb";

/// How long an answer, or the end of an orphan, is waited for.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(crate) struct Redis {
    home: Home,
    program: PathBuf,
}

// === impl Redis ===

impl Redis {
    /// Ends whatever still answers on the socket.
    pub(crate) fn prepare(home: &Home, program: PathBuf, parent: &Parent) -> Self {
        let redis = Self { home: home.clone(), program };
        if redis.ask("PING").is_some() {
            parent.note("a Redis of an earlier process still runs here; stopping it");
            redis.ask("SHUTDOWN NOSAVE");
            let end = Instant::now() + ANSWER_TIME_MAX;
            while redis.ask("PING").is_some() && Instant::now() < end {
                thread::sleep(PAUSE);
            }
        }
        redis
    }

    /// The first bytes of the answer to an inline command. `None`: nobody is there.
    fn ask(&self, command: &str) -> Option<Vec<u8>> {
        let mut socket = UnixStream::connect(self.home.redis_socket()).ok()?;
        socket.set_read_timeout(Some(ANSWER_TIME_MAX)).ok()?;
        socket.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        let mut answer = vec![0; 16];
        let length = socket.read(&mut answer).ok()?;
        answer.truncate(length);
        Some(answer)
    }
}

impl Store for Redis {
    const NAME: &'static str = "Redis";
    const SIGNALS: &'static [Signal] = &[Signal::TERM];

    fn command(&self) -> Result<Command, Error> {
        let mut command = user::command(&self.program, self.home.user.as_ref(), &self.home.stores);
        command.args(["--port", "0", "--unixsocketperm", "700", "--unixsocket"]);
        command.arg(self.home.redis_socket());
        command.args(["--save", "", "--appendonly", "no", "--loglevel", "warning"]);
        command.args(["--maxmemory", MEMORY_MAX, "--maxmemory-policy", "allkeys-lru"]);
        let log = self.home.open_log(LOG)?;
        let error_log = log.try_clone().map_err(Error::file("write", self.home.log(LOG)))?;
        command.stdin(Stdio::null()).stdout(log).stderr(error_log);
        Ok(command)
    }

    fn answers(&self, _: &Child) -> bool {
        self.ask("PING").is_some_and(|answer| answer.starts_with(b"+PONG"))
    }

    fn said(&self) -> String {
        self.home.said(LOG)
    }
}
