//! A file of rows that are fetched: until all are there it has another name, and what is there is gone on with.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Rows that are there, to which others are added.
#[derive(Debug)]
pub(super) struct RowsFile {
    file: BufWriter<File>,
    partial: PathBuf,
    path: PathBuf,
    last_row: i64,
}

// === impl RowsFile ===

impl RowsFile {
    /// What there is of the file of a job, without a row that broke off.
    pub(super) fn open(path: &Path, job: &str) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let partial = path.with_file_name(format!("{name}.{job}.partial"));
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(&partial)?;
        let (length, last_row) = whole_rows(&mut file)?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(Self { file: BufWriter::new(file), partial, path: path.to_owned(), last_row })
    }

    /// The number, in the file of customers, of the last row that was there when this was opened. 0: none was.
    pub(super) const fn last_row(&self) -> i64 {
        self.last_row
    }

    /// Gives it its name.
    pub(super) fn keep(mut self) -> io::Result<()> {
        self.file.flush()?;
        fs::rename(&self.partial, &self.path)
    }
}

impl Write for RowsFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// How many bytes whole rows have, and the number of the last of them, which stands at its end. Without a row nothing is
/// there, not even a header.
fn whole_rows(file: &mut File) -> io::Result<(u64, i64)> {
    let size = file.metadata()?.len();
    let mut end = [0];
    if size > 0 {
        file.seek(SeekFrom::Start(size - 1))?;
        file.read_exact(&mut end)?;
        file.rewind()?;
    }
    let (mut length, mut last_row) = (0, 0);
    let mut reader = csv::Reader::from_reader(BufReader::new(file));
    let mut row = csv::StringRecord::new();
    // A row that broke off within quotes has too few fields, and any other one does not end its line.
    while let Ok(true) = reader.read_record(&mut row) {
        let place = reader.position().byte();
        let number = row.iter().next_back().and_then(|it| it.parse().ok());
        let Some(number) = number.filter(|_| place < size || end == *b"\n") else { break };
        (length, last_row) = (place, number);
    }
    Ok((length, last_row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wherever_a_file_broke_off_whole_rows_stay_and_all_are_there_in_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("customers-unmatched.csv");
        let pieces = ["key,row\nC-1,1\n", "\"C\n\"\"2\"\",\",2\n", "\"C\n\",12\n"];
        let whole = pieces.concat();
        let ends: Vec<usize> = (0..=3).map(|count| pieces[..count].concat().len()).collect();
        for broken in 0..=whole.len() {
            let partial = folder.path().join("customers-unmatched.csv.7.partial");
            fs::write(&partial, &whole[..broken]).expect("written");
            let mut rows = RowsFile::open(&path, "7").expect("opened");
            let place = ends.iter().rposition(|end| *end <= broken).expect("0 is");
            assert_eq!(rows.last_row(), [0, 1, 2, 12][place], "{broken}");
            rows.write_all(&whole.as_bytes()[ends[place]..]).expect("written");
            rows.keep().expect("kept");
            assert_eq!(fs::read_to_string(&path).expect("read"), whole, "{broken}");
        }
    }
}
