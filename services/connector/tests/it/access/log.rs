//! What this process logs, at the level that tells most.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex},
};

use tracing::Level;

/// Keeps the lines that hold what nobody is to see, and counts the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<(u64, Vec<String>)>>);

/// Everything that is told from now on, by whichever test: a process has one log.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("nobody else listens");
    log
});

// === impl Log ===

impl Log {
    pub(super) fn listen() -> Self {
        LOG.clone()
    }

    /// How many lines there were, and those that tell a secret.
    pub(super) fn lines(&self) -> (u64, Vec<String>) {
        self.0.lock().expect("not poisoned").clone()
    }
}

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().expect("not poisoned");
        lines.0 += 1;
        let text = String::from_utf8_lossy(line);
        // Secrets of these tests are called so.
        if text.contains("hidden-") {
            lines.1.push(text.into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
