use klout_chassis::{Caller, Seen, to_row};
use klout_model::PersonId;
use klout_proto::{
    graph::v1::{AccountName, BatchResolvePeopleRequest, resolve_result},
    score::v1::{BatchLookupScoresRequest, LookupSubject, lookup_subject::Subject},
};
use tonic::Status;
use tonic_types::pb;

use super::{ScoreRpc, get_score::parse_person};
use crate::{encoded::EncodedResult, error::Error};

/// Subjects in one request: what fits one trip to Redis and one statement.
pub(crate) const SUBJECTS_MAX: usize = 1_000;

/// Who a row is about, or why that cannot be told.
type Row = Result<PersonId, pb::Status>;

pub(super) async fn batch_lookup_scores(
    rpc: &ScoreRpc,
    caller: &Caller,
    request: BatchLookupScoresRequest,
) -> Result<Vec<EncodedResult>, Error> {
    match request.subjects.len() {
        0 => return Err(Error::SubjectsEmpty),
        count if count > SUBJECTS_MAX => return Err(Error::SubjectsTooMany { count }),
        _ => {}
    }
    let rows = people(rpc, request.subjects).await?;
    let people: Vec<PersonId> = rows.iter().filter_map(|row| row.as_ref().ok()).copied().collect();
    let mut answers = rpc.reader.visible_all(&people, caller.purpose()).await?.into_iter();

    let results = rows.into_iter().map(|row| {
        let result = row.and_then(|person| match answers.next() {
            Some(Some(seen)) => {
                rpc.lookups.note(caller, Seen::Score, seen.person);
                Ok(seen.score)
            }
            Some(None) | None => Err(to_row(&Error::PersonUnknown { person }.into())),
        });
        result.into()
    });
    Ok(results.collect())
}

/// Who each row is about. All accounts are resolved in one call.
async fn people(rpc: &ScoreRpc, subjects: Vec<LookupSubject>) -> Result<Vec<Row>, Error> {
    let refused = |error: Error| to_row(&error.into());
    let mut rows: Vec<Row> = Vec::with_capacity(subjects.len());
    let mut accounts: Vec<(usize, AccountName)> = Vec::new();
    for (index, subject) in subjects.into_iter().enumerate() {
        let missing = || Error::FieldInvalid { field: "subject", problem: "is missing" };
        match subject.subject {
            Some(Subject::Person(person)) => {
                rows.push(parse_person("person", &person).map_err(refused));
            }
            Some(Subject::Account(account)) => {
                accounts.push((index, account));
                // Until social-graph says something else.
                let silent = Status::internal("social-graph left a row out");
                rows.push(Err(refused(Error::Peer(silent))));
            }
            None => rows.push(Err(refused(missing()))),
        }
    }
    if accounts.is_empty() {
        return Ok(rows);
    }
    let (places, accounts): (Vec<usize>, Vec<AccountName>) = accounts.into_iter().unzip();
    let response = rpc
        .reader
        .graph
        .clone()
        .batch_resolve_people(BatchResolvePeopleRequest { accounts })
        .await
        .map_err(Error::Peer)?;
    for (place, resolved) in places.into_iter().zip(response.into_inner().results) {
        rows[place] = match resolved.result {
            Some(resolve_result::Result::Person(person)) => {
                parse_person("person", &person).map_err(refused)
            }
            Some(resolve_result::Result::Status(status)) => Err(status),
            None => continue,
        };
    }
    Ok(rows)
}
