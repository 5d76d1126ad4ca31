//! What came out of a job, as CSV in the order of the file.
//!
//! Scores are asked for a chunk at a time while they are sent, for whoever fetches them. Who is nobody to them by then,
//! because they left or withdrew their consent, is among the unmatched whatever the look-up found. As membership of the
//! files may thus change between two downloads, who goes on after an interruption names the row of the file that they
//! have last, and not how many they have.

use std::{
    collections::{HashMap, VecDeque},
    str::FromStr,
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use klout_chassis::{Caller, from_row, within};
use klout_proto::{
    convert,
    score::v1::{
        BatchLookupScoresRequest, LookupSubject, Score, lookup_result, lookup_subject::Subject,
    },
};
use prost::Message as _;
use time::format_description::well_known::Rfc3339;
use tonic::Code;

use super::{
    Jobs,
    error::JobError,
    row::{Row, Rows},
};
use crate::{
    store::{
        self,
        job::Job,
        job_part::{Chunk, Part},
        job_result::Found,
    },
    unnamed::unnamed,
};

/// How long scoring may take for a chunk.
const PEER_TIME_MAX: Duration = Duration::from_secs(30);

/// What a formula begins with, to one program or another.
const FORMULA: [char; 11] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Which rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Results,
    Unmatched,
    Failed,
}

/// A file on its way.
struct Download {
    jobs: Jobs,
    caller: Caller,
    job: Job,
    outcome: Outcome,
    parts: VecDeque<Part>,
    /// Rows of the file before the part that comes next.
    rows_before: i64,
    /// The chunk that comes next is the first after this one.
    chunk: i32,
    /// Rows of the file that are left out.
    skip: i64,
    header: bool,
}

// === impl Outcome ===

impl Outcome {
    pub(crate) const ALL: [Self; 3] = [Self::Results, Self::Unmatched, Self::Failed];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Results => "results",
            Self::Unmatched => "unmatched",
            Self::Failed => "failed",
        }
    }

    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Results => &[
                "key",
                "person",
                "likelihood",
                "matched_on",
                "score",
                "bucket",
                "percentile",
                "confidence",
                "score_time",
                "state",
                "model",
                "row",
            ],
            Self::Unmatched => &["key", "row"],
            Self::Failed => &["key", "reason", "row"],
        }
    }
}

impl FromStr for Outcome {
    type Err = JobError;

    fn from_str(text: &str) -> Result<Self, JobError> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == text);
        found.ok_or_else(|| JobError::field("outcome", "is not results, unmatched or failed"))
    }
}

impl Jobs {
    /// Begins to send rows of a job that is done: those after the first `skip` of the file. What can be refused is
    /// refused before anything is sent.
    pub(crate) async fn download(
        &self,
        caller: &Caller,
        job: &str,
        outcome: Outcome,
        skip: i64,
    ) -> Result<impl Stream<Item = Result<Bytes, JobError>> + Send + use<>, JobError> {
        if skip < 0 {
            return Err(JobError::field("skip", "is negative"));
        }
        let job = self.job(caller, job).await?;
        if job.state != "DONE" {
            return Err(JobError::JobRunning);
        }
        let parts = store::job_part::list(&self.db, job.job_id).await;
        let parts = parts.map_err(JobError::store("list the parts of a job"))?;
        let download = Download {
            jobs: self.clone(),
            caller: caller.clone(),
            job,
            outcome,
            parts: parts.into(),
            rows_before: 0,
            chunk: 0,
            skip,
            header: skip == 0,
        };
        let mut pieces = Box::pin(stream::try_unfold(download, |mut download| async move {
            Ok(download.next().await?.map(|piece| (piece, download)))
        }));
        let first = pieces.next().await.transpose()?;
        Ok(stream::iter(first.map(Ok)).chain(pieces))
    }
}

// === impl Download ===

impl Download {
    /// The next rows; `None`: that was all.
    async fn next(&mut self) -> Result<Option<Bytes>, JobError> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        if std::mem::take(&mut self.header) {
            write(&mut csv, self.outcome.columns().iter().copied());
        }
        loop {
            if self.jobs.going_down.is_cancelled() {
                return Err(JobError::Stopping);
            }
            let Some((chunk, rows_before)) = self.next_chunk().await? else { break };
            self.write_chunk(&mut csv, &chunk, rows_before).await?;
            csv.flush().expect("memory takes everything");
            if !csv.get_ref().is_empty() {
                break;
            }
        }
        let bytes = csv.into_inner().expect("memory takes everything");
        Ok((!bytes.is_empty()).then(|| bytes.into()))
    }

    /// The next chunk that is not left out, and how many rows of the file are before its part.
    async fn next_chunk(&mut self) -> Result<Option<(Chunk, i64)>, JobError> {
        while let Some(part) = self.parts.front() {
            let rows_before = self.rows_before;
            if rows_before + part.rows > self.skip {
                let skip = (self.skip - rows_before).max(0);
                let chunk = store::job_part::chunk_after(
                    &self.jobs.db,
                    self.job.job_id,
                    part.upload_id,
                    self.chunk,
                    skip,
                );
                let chunk = chunk.await.map_err(JobError::store("read rows of a job"))?;
                if let Some(chunk) = chunk {
                    self.chunk = chunk.chunk;
                    return Ok(Some((Chunk { part: part.part, ..chunk }, rows_before)));
                }
                if self.chunk == 0 {
                    // It was deleted meanwhile: what is left of it is not the file.
                    return Err(JobError::JobUnknown { job: self.job.job_id.to_string() });
                }
            }
            self.rows_before += part.rows;
            self.chunk = 0;
            self.parts.pop_front();
        }
        Ok(None)
    }

    async fn write_chunk(
        &self,
        csv: &mut csv::Writer<Vec<u8>>,
        chunk: &Chunk,
        rows_before: i64,
    ) -> Result<(), JobError> {
        let rows = Rows::decode(chunk.content.as_slice()).map_err(JobError::ContentBroken)?.rows;
        let found = match self.outcome {
            Outcome::Results | Outcome::Unmatched => self.found(chunk).await?,
            Outcome::Failed => HashMap::new(),
        };
        for (place, row) in (chunk.first_row..).zip(&rows) {
            let number = rows_before + place + 1;
            if number <= self.skip {
                continue;
            }
            let (key, row_number) = (key(row, number), number.to_string());
            match (self.outcome, found.get(&place)) {
                (Outcome::Failed, _) if !row.failed.is_empty() => {
                    write(csv, [key.as_str(), &row.failed, &row_number]);
                }
                (Outcome::Unmatched, None) if row.failed.is_empty() => {
                    write(csv, [key.as_str(), &row_number]);
                }
                (Outcome::Results, Some((found, score))) => {
                    let [person, likelihood, matched_on, rest @ ..] = fields(found, score);
                    let first = [&key, &person, &likelihood, &matched_on];
                    let all = first.into_iter().chain(&rest).chain([&row_number]);
                    write(csv, all.map(String::as_str));
                }
                (Outcome::Failed | Outcome::Unmatched | Outcome::Results, _) => {}
            }
        }
        Ok(())
    }

    /// Who rows of a chunk are, with their scores, as far as the caller may see them now: no more of each than they would
    /// be told if they asked for it alone.
    async fn found(&self, chunk: &Chunk) -> Result<HashMap<i64, (Found, Score)>, JobError> {
        let to = chunk.first_row + i64::from(chunk.rows);
        let (db, job) = (&self.jobs.db, self.job.job_id);
        let found = store::job_result::list(db, job, chunk.part, chunk.first_row, to).await;
        let found = found.map_err(JobError::store("read results"))?;
        if found.is_empty() {
            return Ok(HashMap::new());
        }
        let person = |it: &Found| Some(Subject::Person(it.person_id.to_string()));
        let subjects = found.iter().map(|it| LookupSubject { subject: person(it) }).collect();
        let mut scores = self.jobs.scores(&self.caller);
        let asked = scores.batch_lookup_scores(BatchLookupScoresRequest { subjects });
        let answered = within(PEER_TIME_MAX, asked).await.and_then(|it| it);
        let results = answered.map_err(JobError::Peer)?.into_inner().results;
        if results.len() != found.len() {
            return Err(JobError::PeerBroken);
        }
        let mut shown = HashMap::with_capacity(found.len());
        for (found, result) in found.into_iter().zip(results) {
            match result.result {
                Some(lookup_result::Result::Score(score)) => {
                    let score = if found.by_hashes_alone { unnamed(score) } else { score };
                    shown.insert(found.place, (found, score));
                }
                Some(lookup_result::Result::Status(status)) => {
                    let status = from_row(&status);
                    if status.code() != Code::NotFound {
                        return Err(JobError::Peer(status));
                    }
                }
                None => return Err(JobError::PeerBroken),
            }
        }
        Ok(shown)
    }
}

fn fields(found: &Found, score: &Score) -> [String; 10] {
    let number = |it: Option<f64>| it.map(|it| it.to_string()).unwrap_or_default();
    let time = score.score_time.as_ref().and_then(convert::time);
    let time = time.and_then(|it| it.format(&Rfc3339).ok()).unwrap_or_default();
    [
        score.person.clone(),
        found.likelihood.to_string(),
        found.matched_on.clone(),
        number(score.score),
        score.bucket.clone(),
        number(score.percentile),
        number(score.confidence),
        time,
        score.state.clone(),
        score.model.clone(),
    ]
}

/// What a row is called, so that no program for tables takes it for a formula. Nobody computes with what is a number
/// alone, so that stays as it is, with its sign.
fn key(row: &Row, number: i64) -> String {
    let key = &row.key;
    if key.is_empty() {
        return number.to_string();
    }
    let digits = key.strip_prefix(['+', '-']).unwrap_or_default();
    let is_number = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    if key.starts_with(FORMULA) && !is_number { format!("'{key}") } else { key.clone() }
}

fn write<'a>(csv: &mut csv::Writer<Vec<u8>>, fields: impl IntoIterator<Item = &'a str>) {
    csv.write_record(fields).expect("rows of one file have as many fields as its header");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(text: &str) -> String {
        key(&Row { key: text.to_owned(), ..Row::default() }, 7)
    }

    #[test]
    fn no_key_is_a_formula_and_numbers_stay_as_they_are() {
        for formula in ["=1+1", "+A1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "+", "-"] {
            assert_eq!(called(formula), format!("'{formula}"), "{formula}");
        }
        for harmless in ["C-17", "+4930123456", "-5", "1e5", "ann@example.org", "ä=1", "'=1"] {
            assert_eq!(called(harmless), harmless);
        }
        assert_eq!(called(""), "7");
    }
}
