//! The process that the stores are children of.
//!
//! It is told what to do by its arguments and ends when its stdin is closed, which happens however
//! its parent ends. On stdout it speaks in lines: `note TEXT`, `ready`, `error TEXT`.

use std::{
    ffi::OsString,
    fs,
    io::{self, BufRead as _, Read as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::{
    error::Error,
    home::Home,
    postgres::Postgres,
    programs::redis_program,
    redis::Redis,
    server::{PAUSE, Server, Store},
    stores::Needs,
};

/// The argument that makes a binary of ours the keeper.
pub const KEEP_STORES: &str = "keep-stores";

/// A store that ended by itself is started again, unless that was tried so often within
/// [`RESTART_WINDOW`].
const RESTARTS_MAX: usize = 5;

/// See [`RESTARTS_MAX`].
const RESTART_WINDOW: Duration = Duration::from_secs(60);

/// What a start may fail with right after a kill: Postgres' memory is freed when its last child ends.
const RESTART_PAUSE: Duration = Duration::from_millis(500);

/// The process that uses the stores, as the keeper sees it.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    gone: Arc<AtomicBool>,
}

/// Which stores are kept, and where.
#[derive(Debug)]
struct Kept {
    postgres: Option<Server<Postgres>>,
    redis: Option<Server<Redis>>,
}

/// What the keeper says, as the other side reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Something that whoever waits may want to know.
    Note(String),
    /// All stores answer.
    Ready,
    /// Why there are none, or none any more.
    Error(String),
}

/// Keeps stores until stdin is closed: what a binary does when its first argument is [`KEEP_STORES`],
/// with the arguments after it.
#[must_use]
pub fn keep(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    // The pipe is the only message: whoever ends every process of ours by name, or by its group, ends the
    // one that uses the stores too, and they are stopped after it. A handler, unlike an ignored signal, is
    // not inherited by the stores.
    let noticed = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        // An error leaves it as it was, which is no worse.
        let _ = signal_hook::flag::register(signal, Arc::clone(&noticed));
    }
    let parent = Parent::listen();
    match run(arguments, &parent) {
        Ok(()) | Err(Error::Unneeded) => ExitCode::SUCCESS,
        Err(error) => {
            parent.say(&Word::Error(chain(&error)));
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = OsString>, parent: &Parent) -> Result<(), Error> {
    let folder: PathBuf = arguments.next().unwrap_or_default().into();
    let needs = Needs::from_arguments(arguments);
    let home = Home::open(&folder)?;
    // Held until this process ends, after its stores did.
    let _lock = home.lock(|| parent.note("waiting for the stores of the last run to stop"))?;
    let mut kept = Kept { postgres: None, redis: None };
    let outcome = kept.run(&home, needs, parent);
    kept.stop();
    if needs.throwaway {
        // Whoever made the folder does the same, unless it was killed.
        let _ = fs::remove_dir_all(&home.stores);
        let _ = fs::remove_dir_all(&home.folder);
    }
    outcome
}

// === impl Kept ===

impl Kept {
    fn run(&mut self, home: &Home, needs: Needs, parent: &Parent) -> Result<(), Error> {
        if needs.redis {
            match redis_program() {
                Some(program) => {
                    let redis = Redis::prepare(home, program, parent);
                    self.redis = Some(Server::start(redis, parent)?);
                }
                None => return Err(Error::Keeper("Redis is missing".to_owned())),
            }
        }
        if needs.postgres {
            let postgres = Postgres::prepare(home, needs.throwaway, parent)?;
            self.postgres = Some(Server::start(postgres, parent)?);
        }
        parent.say(&Word::Ready);

        let mut restarts = Vec::new();
        while !parent.gone() {
            tend(&mut self.postgres, &mut restarts, parent)?;
            tend(&mut self.redis, &mut restarts, parent)?;
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Redis first: it has nothing to write.
    fn stop(&mut self) {
        if let Some(redis) = &mut self.redis {
            redis.stop();
        }
        if let Some(postgres) = &mut self.postgres {
            postgres.stop();
        }
    }
}

/// Starts a store again that has ended by itself.
fn tend<S: Store>(
    slot: &mut Option<Server<S>>,
    restarts: &mut Vec<Instant>,
    parent: &Parent,
) -> Result<(), Error> {
    let Some(server) = slot else { return Ok(()) };
    let Some(status) = server.ended()? else { return Ok(()) };
    let store = server.store().clone();
    *slot = None;
    let mut error = Error::Failed { name: S::NAME, status, said: store.said() };
    loop {
        parent.note(&format!("{error}; starting it again"));
        let now = Instant::now();
        restarts.retain(|time| now.duration_since(*time) < RESTART_WINDOW);
        restarts.push(now);
        if restarts.len() > RESTARTS_MAX {
            return Err(error);
        }
        thread::sleep(RESTART_PAUSE);
        match Server::start(store.clone(), parent) {
            Ok(server) => {
                *slot = Some(server);
                parent.note(&format!("{} answers again", S::NAME));
                return Ok(());
            }
            Err(Error::Unneeded) => return Err(Error::Unneeded),
            Err(again) => error = again,
        }
    }
}

// === impl Parent ===

impl Parent {
    /// Notices when stdin is closed.
    fn listen() -> Self {
        let gone = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&gone);
        thread::spawn(move || {
            // Nothing is ever written there; the end is the message, and so is an error.
            let _ = io::stdin().read_to_end(&mut Vec::new());
            told.store(true, Ordering::Relaxed);
        });
        Self { gone }
    }

    pub(crate) fn gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self, text: &str) {
        self.say(&Word::Note(text.to_owned()));
    }

    fn say(&self, word: &Word) {
        let mut stdout = io::stdout().lock();
        // A parent that does not listen any more is about to be noticed.
        let _ = writeln!(stdout, "{}", word.to_line()).and_then(|()| stdout.flush());
    }
}

// === impl Word ===

impl Word {
    fn to_line(&self) -> String {
        // A line is a word: the lines of a text are joined by what no text of ours has.
        let line = |verb: &str, text: &str| format!("{verb} {}", text.replace('\n', "\u{2028}"));
        match self {
            Self::Note(text) => line("note", text),
            Self::Ready => "ready".to_owned(),
            Self::Error(text) => line("error", text),
        }
    }

    /// All words, until the keeper ends. What is not one of them is told as it is.
    pub(crate) fn read(lines: impl io::Read) -> impl Iterator<Item = Self> {
        let lines = io::BufReader::new(lines).lines().map_while(Result::ok);
        lines.map(|line| {
            let text = line.replace('\u{2028}', "\n");
            match text.split_once(' ') {
                Some(("note", text)) => Self::Note(text.to_owned()),
                Some(("error", text)) => Self::Error(text.to_owned()),
                None if text == "ready" => Self::Ready,
                Some(_) | None => Self::Note(text),
            }
        })
    }
}

/// An error and what led to it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_survives_the_pipe() {
        let words = [
            Word::Note("hello".to_owned()),
            Word::Ready,
            Word::Error("it failed:\n  because\n  of that".to_owned()),
        ];
        let lines: Vec<_> = words.iter().map(Word::to_line).collect();
        let read: Vec<_> = Word::read(lines.join("\n").as_bytes()).collect();
        assert_eq!(read, words);
    }
}
