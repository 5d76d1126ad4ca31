//! How far an import is.

use indicatif::ProgressBar;

use super::sending::Sent;
use crate::output;

/// A bar on stderr over the bytes of all files, if somebody looks.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    rows: std::cell::Cell<u64>,
}

// === impl Progress ===

impl Progress {
    /// Over that many bytes, if anybody knows.
    pub(super) fn of(bytes: Option<u64>) -> Self {
        let template = "[{bar:30}] {bytes}/{total_bytes} {eta} left, {msg}";
        let bar = output::progress(bytes, template);
        Self { bar, rows: std::cell::Cell::new(0) }
    }

    pub(super) fn add(&self, sent: &Sent) {
        let left = sent.rejected.len() as u64 + sent.no_reaction;
        let rows = sent.accepted + sent.repeated + left;
        self.rows.set(self.rows.get() + rows);
        self.bar.inc(sent.file_bytes);
        let seconds = self.bar.elapsed().as_secs_f64().max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let rate = self.rows.get() as f64 / seconds;
        self.bar.set_message(format!("{} rows, {rate:.0} a second", self.rows.get()));
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
