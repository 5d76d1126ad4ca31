use std::collections::BTreeSet;

use futures::stream;
use klout_chassis::{Caller, Lookups, Seen};
use klout_model::{PersonId, Purpose};
use klout_proto::{
    revision::{Deployment, Revision},
    score::v1::{Score, WatchScoresRequest, WatchScoresResponse},
};
use prost::Message as _;
use tonic::{Status, codegen::BoxStream};

use super::{
    ScoreRpc,
    batch_lookup_scores::SUBJECTS_MAX,
    get_score::{parse_person, parse_token},
};
use crate::{
    error::Error,
    read::Reader,
    watch::{Told, What},
};

/// Writes down of whom a watch told something.
struct Log {
    lookups: Lookups,
    caller: Caller,
    seen: BTreeSet<PersonId>,
}

pub(super) fn watch_scores(
    rpc: &ScoreRpc,
    caller: &Caller,
    request: WatchScoresRequest,
) -> Result<BoxStream<WatchScoresResponse>, Error> {
    match request.people.len() {
        0 => return Err(Error::SubjectsEmpty),
        count if count > SUBJECTS_MAX => return Err(Error::SubjectsTooMany { count }),
        _ => {}
    }
    let people: Result<BTreeSet<PersonId>, _> =
        request.people.iter().map(|person| parse_person("people", person)).collect();
    let deployment = rpc.reader.deployment;
    let field = "resume_token";
    let since = match parse_token(field, &request.resume_token, deployment)? {
        Revision::Score(revision) => revision,
        Revision::Batches(batches) if batches.is_empty() => 0,
        Revision::Batches(_) => {
            return Err(Error::FieldInvalid { field, problem: "is not a resume token" });
        }
    };
    // A token of before a backup was restored is of scores that are not there any more.
    let since = if since > rpc.reader.cached.newest_standing() { 0 } else { since };
    let (reader, purpose) = (rpc.reader.clone(), caller.purpose());
    let told = rpc.watches.begin(reader.clone(), purpose, &people?, since)?;
    let log = Log { lookups: rpc.lookups.clone(), caller: caller.clone(), seen: BTreeSet::new() };
    let answers = stream::unfold(Some((told, log, reader)), move |watch| async move {
        let (mut told, mut log, reader) = watch?;
        // Nobody else ends a watch to which somebody listens.
        let Some(next) = told.recv().await else {
            return Some((Err(Error::Stopping.into()), None));
        };
        let answer = async { response(still_visible(&reader, purpose, next).await?, deployment) };
        Some(match answer.await {
            Ok(response) => {
                if let Some(score) = &response.score {
                    log.note(score);
                }
                (Ok(response), Some((told, log, reader)))
            }
            Err(error) => (Err(Status::from(error)), None),
        })
    });
    Ok(Box::pin(answers))
}

/// What is sent now of what may have waited for the client: who was masked meanwhile is not there any more.
async fn still_visible(reader: &Reader, purpose: Purpose, told: Told) -> Result<Told, Error> {
    let What::Score(person, _) = &told.what else { return Ok(told) };
    let gone = Told { what: What::Gone(*person), ..told };
    let Some(person) = PersonId::new(*person) else { return Ok(gone) };
    match reader.visible(person, purpose).await {
        Ok(seen) if seen.person == person => Ok(told),
        Ok(_) | Err(Error::PersonUnknown { .. }) => Ok(gone),
        Err(error) => Err(error),
    }
}

// === impl Log ===

impl Log {
    /// Once for each person and watch.
    fn note(&mut self, score: &Score) {
        if let Ok(person) = score.person.parse()
            && self.seen.insert(person)
        {
            self.lookups.note(&self.caller, Seen::Watch, person);
        }
    }
}

fn response(told: Told, deployment: Deployment) -> Result<WatchScoresResponse, Error> {
    let resume_token = Revision::Score(told.watermark).to_token(deployment);
    let response = WatchScoresResponse { resume_token, ..WatchScoresResponse::default() };
    Ok(match told.what {
        What::Score(_, score) => {
            let score = Score::decode(score.into_score()).map_err(Error::Encoding)?;
            WatchScoresResponse { score: Some(score), ..response }
        }
        What::Gone(person) => WatchScoresResponse { gone_person: person.to_string(), ..response },
        What::Nothing => response,
    })
}
