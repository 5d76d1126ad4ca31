//! Results go to stdout, everything else to stderr.

use std::{
    fs,
    io::{self, BufWriter, IsTerminal as _, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tempfile::NamedTempFile;

use crate::exit::Failure;

/// The mode of a file of results, less the umask: temporary files are private otherwise.
const READABLE: u32 = 0o666;

/// A file that a result is written to as a whole: until it is kept, whatever was there is still there.
#[derive(Debug)]
pub(crate) struct ResultFile {
    path: PathBuf,
    written: Written,
}

#[derive(Debug)]
enum Written {
    Stdout(io::StdoutLock<'static>),
    /// A pipe or a device such as /dev/null, which is written to and never replaced.
    There(BufWriter<fs::File>),
    Beside(BufWriter<NamedTempFile>),
}

/// Prints one line of a result.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{text}").map_err(failed)
}

/// Why printing failed. Whoever closed the pipe has read enough, as `head` does: that ends the process.
pub(crate) fn failed(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    Failure::Failed(format!("could not print: {error}"))
}

/// The same of a row.
pub(crate) fn csv_failed(error: csv::Error) -> Failure {
    // As it was: `From` would forget that a pipe was closed.
    let text = error.to_string();
    if let csv::ErrorKind::Io(error) = error.into_kind() {
        return failed(error);
    }
    Failure::Failed(format!("could not print: {text}"))
}

/// Progress on stderr, if somebody looks.
pub(crate) fn progress(length: Option<u64>, template: &str) -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    ProgressBar::with_draw_target(length, target).with_style(style)
}

/// A whole number with commas between its thousands.
pub(crate) fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

// === impl ResultFile ===

impl ResultFile {
    /// `-` is stdout.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let written = Written::create(path).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), written })
    }

    /// Why it could not be written.
    pub(crate) fn failed(&self, error: &io::Error) -> Failure {
        unwritable(&self.path, error)
    }

    /// Puts it where it was to be.
    pub(crate) fn keep(mut self) -> Result<(), Failure> {
        self.flush().map_err(|error| self.failed(&error))?;
        if let Written::Beside(file) = self.written {
            let file = file.into_inner().map_err(|error| unwritable(&self.path, error.error()))?;
            file.persist(&self.path).map_err(|error| unwritable(&self.path, &error.error))?;
        }
        Ok(())
    }
}

impl Write for ResultFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.written {
            Written::Stdout(file) => file.write(bytes),
            Written::There(file) => file.write(bytes),
            Written::Beside(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.written {
            Written::Stdout(file) => file.flush(),
            Written::There(file) => file.flush(),
            Written::Beside(file) => file.flush(),
        }
    }
}

// === impl Written ===

impl Written {
    fn create(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout(io::stdout().lock()));
        }
        if fs::metadata(path).is_ok_and(|it| !it.is_file()) {
            let file = fs::OpenOptions::new().write(true).open(path)?;
            return Ok(Self::There(BufWriter::new(file)));
        }
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let file = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(READABLE))
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Self::Beside(BufWriter::new(file)))
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{}: could not be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([100, 1_000, 1_234_567].map(grouped), ["100", "1,000", "1,234,567"]);
    }
}
