//! Results go to stdout, everything else to stderr.

use std::{
    fs,
    io::{self, IsTerminal as _, Write},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::exit::Failure;

/// The mode of a file that is written, less the umask: temporary files are private otherwise.
const READABLE: u32 = 0o666;

/// Writes a file beside the target and renames it, so that nobody reads half of it. `-` is stdout.
///
/// # Errors
///
/// When it cannot be written.
pub(crate) fn write_whole(
    path: &Path,
    rows: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::Failed(format!("{}: could not be written: {error}", path.display()))
    };
    if path.as_os_str() == "-" {
        return rows(&mut io::stdout().lock()).map_err(failed);
    }
    // A pipe or a device such as /dev/null is written to, never replaced.
    if fs::metadata(path).is_ok_and(|it| !it.is_file()) {
        let file = fs::OpenOptions::new().write(true).open(path).map_err(failed)?;
        return rows(&mut io::BufWriter::new(file)).map_err(failed);
    }
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(READABLE))
        .tempfile_in(folder)
        .map_err(failed)?;
    rows(&mut io::BufWriter::new(&mut file)).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([100, 1_000, 1_234_567].map(grouped), ["100", "1,000", "1,234,567"]);
    }
}
