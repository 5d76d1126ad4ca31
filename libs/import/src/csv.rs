//! Reads one CSV file, row by row, in bounded memory.

use klout_model::RowReason;

use crate::{CsvFields, CsvRows, Format, Input, ReadError, Row};

/// The longest row, in bytes. What is longer is one rejected row, and never held.
const ROW_BYTES_MAX: usize = 1024 * 1024;

/// Fields of one row. No format of ours has half as many.
const FIELDS_MAX: usize = 64;

/// How much of a row that is too long stands in the rejected file.
const EXCERPT_BYTES: usize = 256;

/// Reads the rows of one file.
pub struct CsvReader {
    rows: CsvRows,
    format: Format,
    header: Vec<String>,
}

/// One row of a file, good or not.
#[derive(Debug)]
pub struct Record<'a> {
    /// From 1; the header has line 1.
    pub line: u64,
    /// The fields as they stand in the file.
    fields: &'a CsvFields,
    pub row: Result<Row, Rejection>,
}

/// Why a row was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Rejection {
    pub line: u64,
    pub reason: RowReason,
}

// === impl CsvReader ===

impl CsvReader {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// When there is none, or it is not one of the four that there are.
    pub fn new(input: Input) -> Result<Self, ReadError> {
        let Input { name, bytes, .. } = input;
        let mut rows = CsvRows::new(name.clone(), bytes, ROW_BYTES_MAX, FIELDS_MAX);
        let Some(fields) = rows.next_row()? else {
            let columns = "time,network,actor,subject,kind,count";
            return Err(ReadError::Empty { name, columns });
        };
        let problem = |problem: String| ReadError::Header { name: name.clone(), problem };
        let header = fields.header().map_err(|it| problem(it.to_owned()))?;
        let format = format_of(&header).map_err(problem)?;
        Ok(Self { rows, format, header })
    }

    /// What the rows are.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The columns, as the file names them.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// How to call the file in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        self.rows.name()
    }

    /// The next row; `None` after the last.
    ///
    /// # Errors
    ///
    /// When the file cannot be read on, for example because its gzip is cut off.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        let Some(fields) = self.rows.next_row()? else { return Ok(None) };
        let line = fields.line();
        let row = parse(fields, self.format, &self.header);
        let row = row.map_err(|reason| Rejection { line, reason });
        Ok(Some(Record { line, fields, row }))
    }
}

impl std::fmt::Debug for CsvReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CsvReader({}, {:?})", self.rows.name(), self.format)
    }
}

// === impl Record ===

impl Record<'_> {
    /// The fields as they stand in the file; of a row that is too long, its beginning.
    pub fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let beginning = self.fields.beginning(EXCERPT_BYTES);
        beginning.into_iter().chain(self.fields.iter())
    }
}

fn parse(fields: &CsvFields, format: Format, header: &[String]) -> Result<Row, RowReason> {
    if fields.is_too_long() || fields.len() != header.len() {
        return Err(RowReason::RowMalformed);
    }
    let mut values = [""; FIELDS_MAX];
    for (value, field) in values.iter_mut().zip(fields.iter()) {
        *value = std::str::from_utf8(field).map_err(|_| RowReason::RowMalformed)?;
    }
    Row::parse(format, |column| {
        let place = header.iter().position(|name| name == column)?;
        Some(values[place])
    })
}

/// Tells the format by the columns, in any order.
fn format_of(header: &[String]) -> Result<Format, String> {
    let has = |column: &str| header.iter().any(|name| name == column);
    let twice = header.iter().enumerate().find(|(place, name)| header[..*place].contains(name));
    if let Some((_, name)) = twice {
        return Err(format!("names the column `{name}` twice"));
    }
    // The most columns first: those of `registered` are in all the others.
    let found = Format::ALL.into_iter().find(|format| format.required().iter().all(|it| has(it)));
    let Some(format) = found else {
        let all = Format::ALL.map(|format| format.required().join(","));
        return Err(format!("is none of the headers {}", all.join(" | ")));
    };
    let known = |name: &str| format.required().contains(&name) || format.optional().contains(&name);
    match header.iter().find(|name| !known(name)) {
        Some(unknown) => Err(format!(
            "has a column `{unknown}`; known are {},{}",
            format.required().join(","),
            format.optional().join(",")
        )),
        None => Ok(format),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Write as _};

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "time,network,actor,subject,kind,count\n";
    const GOOD: &str = "2018-05-01T00:00:00Z,bluesky,bob,ann,like,1\n";

    fn open(bytes: impl AsRef<[u8]> + Send + 'static) -> Result<CsvReader, ReadError> {
        CsvReader::new(Input::from_reader("test.csv".to_owned(), Cursor::new(bytes), None)?)
    }

    /// Every row: its line, and its reason if it is not good.
    fn read(
        bytes: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Vec<(u64, Option<RowReason>)>, ReadError> {
        let mut reader = open(bytes)?;
        let mut rows = Vec::new();
        while let Some(record) = reader.next_record()? {
            rows.push((record.line, record.row.err().map(|rejection| rejection.reason)));
        }
        Ok(rows)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).expect("memory");
        encoder.finish().expect("memory")
    }

    fn header_problem(header: &str) -> String {
        open(format!("{header}\n")).expect_err("refused").to_string()
    }

    #[test]
    fn a_row_is_read_whatever_the_order_of_the_columns() {
        let text =
            "count,kind,subject,actor,network,time\n3,like,ann,,bluesky,2018-05-01T00:00:00Z\n";
        let mut reader = open(text).expect("a header");
        let record = reader.next_record().expect("readable").expect("a row");
        let Ok(Row::Interaction(row)) = record.row else { panic!("an interaction") };
        assert_eq!((row.actor, row.count.get(), row.subject.as_str()), (None, 3, "ann"));
    }

    #[test]
    fn an_interaction_may_come_with_words_of_256_bytes() {
        let header = "time,network,actor,subject,kind,count,label\n";
        let row = "2018-05-01T00:00:00Z,bluesky,bob,ann,list,1,";
        let mut reader = open(format!("{header}{row}\" bread, and bakers \"\n")).expect("a header");
        let record = reader.next_record().expect("readable").expect("a row");
        let Ok(Row::Interaction(found)) = record.row else { panic!("an interaction") };
        assert_eq!(found.label.as_deref(), Some("bread, and bakers"));
        let rows = |length: usize| read(format!("{header}{row}{}\n", "x".repeat(length)));
        assert_eq!(rows(256).expect("readable"), [(2, None)]);
        assert_eq!(rows(257).expect("readable"), [(2, Some(RowReason::RowMalformed))]);
        assert!(header_problem("time,network,account,counter,value,label").contains("`label`"));
    }

    #[test]
    fn a_byte_order_mark_crlf_and_a_missing_last_line_end_are_nothing_special() {
        let text = format!("\u{feff}{HEADER}{}", GOOD.trim_end()).replace('\n', "\r\n");
        assert_eq!(read(text).expect("readable"), [(2, None)]);
    }

    #[test]
    fn every_mistake_has_its_reason_and_its_line_and_stops_nothing() {
        let long = "n".repeat(300);
        let rows = [
            ("yesterday,bluesky,bob,ann,like,1", RowReason::TimeInvalid),
            ("10000-01-01T00:00:00Z,bluesky,bob,ann,like,1", RowReason::TimeInvalid),
            (&format!("2018-05-01T00:00:00Z,{long},bob,ann,like,1"), RowReason::NetworkInvalid),
            ("2018-05-01T00:00:00Z,bluesky,bob,,like,1", RowReason::AccountInvalid),
            (&format!("2018-05-01T00:00:00Z,bluesky,bob,ann,{long},1"), RowReason::KindUnknown),
            ("2018-05-01T00:00:00Z,bluesky,bob,ann,like,-1", RowReason::CountInvalid),
            ("2018-05-01T00:00:00Z,bluesky,bob,ann,like,1.5", RowReason::CountInvalid),
            ("2018-05-01T00:00:00Z,bluesky,bob,ann,like", RowReason::RowMalformed),
        ];
        let mut text = HEADER.to_owned();
        for (row, _) in &rows {
            text += row;
            text += "\n";
            text += GOOD;
        }
        let found = read(text).expect("readable");
        for (place, (row, reason)) in rows.iter().enumerate() {
            let line = 2 + 2 * place as u64;
            assert_eq!(found[2 * place], (line, Some(*reason)), "{row}");
            assert_eq!(found[2 * place + 1], (line + 1, None));
        }
    }

    #[test]
    fn a_row_that_is_not_utf_8_is_left_out_alone() {
        let mut bytes = format!("{HEADER}{GOOD}").into_bytes();
        bytes.extend(b"2018-05-01T00:00:00Z,bluesky,b\xffb,ann,like,1\n");
        bytes.extend(GOOD.as_bytes());
        let reasons: Vec<_> = read(bytes).expect("readable").iter().map(|row| row.1).collect();
        assert_eq!(reasons, [None, Some(RowReason::RowMalformed), None]);
    }

    #[test]
    fn a_line_of_a_hundred_megabytes_is_one_row_left_out_and_never_held() {
        let start = Cursor::new(format!("{HEADER}{GOOD}"));
        let line = std::io::repeat(b'x').take(100 * 1024 * 1024);
        let end = Cursor::new(format!("\n{GOOD}"));
        let file = start.chain(line).chain(end);
        let input = Input::from_reader("long.csv".to_owned(), file, None).expect("readable");
        let mut reader = CsvReader::new(input).expect("a header");
        let mut rows = Vec::new();
        while let Some(record) = reader.next_record().expect("readable") {
            assert!(record.fields().map(<[u8]>::len).sum::<usize>() < 1024);
            rows.push((record.line, record.row.err().map(|it| it.reason)));
        }
        assert_eq!(rows, [(2, None), (3, Some(RowReason::RowMalformed)), (4, None)]);
    }

    #[test]
    fn a_quote_that_is_never_closed_swallows_no_more_than_a_row_may_be_long() {
        let mut text = format!("{HEADER}\"never closed\n");
        text += &GOOD.repeat(3 * ROW_BYTES_MAX / GOOD.len());
        let rows = read(text).expect("readable");
        assert_eq!(rows[0], (2, Some(RowReason::RowMalformed)));
        assert!(
            rows.len() > ROW_BYTES_MAX / GOOD.len() && rows[1..].iter().all(|row| row.1.is_none())
        );
    }

    #[test]
    fn a_wrong_or_missing_header_says_what_is_wrong() {
        assert!(matches!(read(""), Err(ReadError::Empty { .. })));
        assert!(header_problem("time,network,actor,subject,kind").contains("time,network,actor"));
        assert!(header_problem(GOOD.trim_end()).contains("is none of the headers"));
        assert!(header_problem(&format!("{},colour", HEADER.trim_end())).contains("`colour`"));
        assert!(header_problem(&format!("{},time", HEADER.trim_end())).contains("twice"));
        let error = open(b"\xff\xfe\n".to_vec()).expect_err("refused");
        assert_eq!(error.to_string(), "test.csv: the first line is not UTF-8");
    }

    #[test]
    fn a_list_of_accounts_may_say_where_their_owners_live() {
        let text = "network,account,country,city\nbluesky,ann,de, Bremen \nbluesky,bob,,\n";
        let mut reader = open(text).expect("a header");
        let mut rows = Vec::new();
        while let Some(record) = reader.next_record().expect("readable") {
            let Ok(Row::Registered(row)) = record.row else { panic!("a list of accounts") };
            rows.push((row.country, row.city));
        }
        let place = |country: &str, city: &str| (country.to_owned(), city.to_owned());
        assert_eq!(rows, [place("DE", "Bremen"), place("", "")]);
        for wrong in ["XX,Bremen", ",Bremen", "Germany,"] {
            let text = format!("network,account,country,city\nbluesky,ann,{wrong}\n");
            let malformed = Some(RowReason::RowMalformed);
            assert_eq!(read(text).expect("readable"), [(2, malformed)], "{wrong}");
        }
    }

    #[test]
    fn the_header_tells_the_format() {
        let format = |header: &str| open(format!("{header}\n")).map(|it| it.format()).ok();
        assert_eq!(format("time,network,account,counter,value,post"), Some(Format::Counters));
        assert_eq!(format("time,network,account,post,text,reason"), Some(Format::Posts));
        assert_eq!(format("account,network"), Some(Format::Registered));
    }

    #[test]
    fn gzip_is_told_by_content_and_several_members_are_one_file() {
        let mut bytes = gzip(&format!("{HEADER}{GOOD}"));
        bytes.extend(gzip(GOOD));
        assert_eq!(read(bytes).expect("readable"), [(2, None), (3, None)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_cut_gzip_is_an_error_that_names_the_file(part in 0.0..1.0_f64) {
            let whole = gzip(&format!("{HEADER}{}", GOOD.repeat(500)));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a part of a small length")]
            let length = (whole.len() as f64 * part) as usize;
            if length >= 2 {
                let error = read(whole[..length].to_vec()).expect_err("it is cut");
                prop_assert!(error.to_string().contains("test.csv"));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut text = HEADER.as_bytes().to_vec();
            text.extend(&bytes);
            prop_assert!(read(text).is_ok());
            let _ = read(bytes);
        }
    }
}
