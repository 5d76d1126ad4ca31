//! `klout import deletion-list`: hashed contacts of people who want to be deleted.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
};

use futures::stream;
use klout_proto::{
    graph::v1::{ImportDeletionListRequest, ImportDeletionListResponse},
    json::to_value,
};

use crate::{
    client::{Missing, Target},
    exit::Failure,
    output, printable,
};

/// Hashes in one message.
const HASHES_MAX: usize = 1_000;

/// Lines that are named which are no hashes; the rest are counted.
const NAMED_MAX: u64 = 20;

/// Takes in a list of hashed contacts whose owners want to be deleted.
///
/// Whoever has one of them is erased, as by `klout person erase`, and nobody can be found by one of them or add it
/// again. Repeated, it changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
FILE has a SHA-256 of a contact a line, as 64 hexadecimal digits, of contacts that were written one way before:
  email           trimmed, in lower case
  phone           as E.164 has it, with +
  loyalty_number  PROGRAM:NUMBER, the programme in lower case, the number without spaces and in upper case
Needs the operator's key, which a data directory has.

Examples:
  klout import deletion-list hashes.txt
  klout import deletion-list phones.txt --kind phone")]
pub(super) struct ImportDeletionList {
    /// The list; - is stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What was hashed: email, phone or loyalty_number
    #[arg(long, value_name = "KIND", default_value = "email", value_parser = ["email", "phone", "loyalty_number"])]
    kind: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// The list as it is read: messages are made when the server has room for them.
struct List<R> {
    lines: io::Split<BufReader<R>>,
    kind: String,
    line: u64,
    rejected: u64,
    failed: Option<io::Error>,
    bar: indicatif::ProgressBar,
}

// === impl ImportDeletionList ===

impl ImportDeletionList {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { file, kind, json, target } = self;
        let list = open(&file).map_err(|error| unreadable(&file, &error))?;
        let bar = output::progress(None, "{pos} hashes, {per_sec}");
        let list = List {
            lines: BufReader::new(list).split(b'\n'),
            kind,
            line: 0,
            rejected: 0,
            failed: None,
            bar,
        };
        let read = std::sync::Arc::new(std::sync::Mutex::new(list));
        let mut response = target.ask(Missing::Refuse, async |client| {
            let source = std::sync::Arc::clone(&read);
            let messages =
                stream::iter(std::iter::from_fn(move || source.lock().expect("one reader").next()));
            Ok(client.graph().import_deletion_list(messages).await?.into_inner())
        })?;
        let mut list = read.lock().expect("nobody reads any more");
        list.bar.finish_and_clear();
        if let Some(error) = list.failed.take() {
            return Err(unreadable(&file, &error));
        }
        response.received += list.rejected;
        response.rejected += list.rejected;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let ImportDeletionListResponse { received, repeated, rejected, erased } = response;
        let [received, repeated, rejected, erased] =
            [received, repeated, rejected, erased].map(output::grouped);
        output::line(&format!(
            "{received} hashes, {repeated} of them known before, {rejected} that are none; {erased} people erased"
        ))
    }
}

// === impl List ===

impl<R: Read> List<R> {
    /// The next message; `None` at the end, and when the file cannot be read any further.
    fn next(&mut self) -> Option<ImportDeletionListRequest> {
        let mut hashes = Vec::with_capacity(HASHES_MAX);
        while hashes.len() < HASHES_MAX {
            let text = match self.lines.next() {
                None => break,
                Some(Ok(text)) => text,
                Some(Err(error)) => {
                    self.failed = Some(error);
                    return None;
                }
            };
            self.line += 1;
            let text = text.trim_ascii();
            if text.is_empty() {
                continue;
            }
            match hash(text) {
                Some(hash) => hashes.push(hash),
                None => self.reject(text),
            }
        }
        self.bar.inc(hashes.len() as u64);
        let kind = self.kind.clone();
        (!hashes.is_empty()).then_some(ImportDeletionListRequest { hashes, kind })
    }

    fn reject(&mut self, text: &[u8]) {
        self.rejected += 1;
        if self.rejected <= NAMED_MAX {
            let beginning = String::from_utf8_lossy(&text[..text.len().min(70)]);
            let beginning = printable::printable(&beginning);
            let line = self.line;
            self.bar.suspend(|| eprintln!("klout: line {line} is no SHA-256: {beginning}"));
        }
    }
}

/// 64 hexadecimal digits.
fn hash(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |it: u8| char::from(it).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(16 * digit(pair[0])? + digit(pair[1])?).ok();
    (text.len() == 64).then(|| text.chunks_exact(2).map(byte).collect())?
}

fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin()));
    }
    Ok(Box::new(File::open(path)?))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_64_hexadecimal_digits() {
        assert_eq!(hash("aB".repeat(32).as_bytes()), Some(vec![0xab; 32]));
        for bad in ["", "ab", &"g".repeat(64), &"a".repeat(65), &"ä".repeat(32)] {
            assert_eq!(hash(bad.as_bytes()), None, "{bad}");
        }
    }
}
