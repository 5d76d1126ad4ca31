use std::time::Duration;

use klout_chassis::{Caller, Seen};
use klout_model::PersonId;
use klout_proto::{
    graph::v1::{AccountName, ResolvePersonRequest},
    revision::{Deployment, Revision, RevisionRefused},
    score::v1::{
        Consistency, GetScoreRequest, consistency::Requirement, get_score_request::Subject,
    },
};

use super::{ScoreRpc, list_scores::day};
use crate::{
    cached::Answer,
    encoded::EncodedScore,
    error::Error,
    freshness::{self, Freshness},
    score::to_wire,
    store::{self, history::Span},
};

/// More models than this never score one person on one day.
const MODELS_A_DAY: i64 = 16;

pub(super) async fn get_score(
    rpc: &ScoreRpc,
    caller: &Caller,
    request: GetScoreRequest,
) -> Result<EncodedScore, Error> {
    match remembered(rpc, caller, &request) {
        Some(score) => Ok(score),
        // Large, and seldom on its way where calls are many.
        None => Box::pin(read_score(rpc, caller, request)).await,
    }
}

/// The score of a person that memory has, when nothing but the quickest is asked for.
pub(super) fn remembered(
    rpc: &ScoreRpc,
    caller: &Caller,
    request: &GetScoreRequest,
) -> Option<EncodedScore> {
    let GetScoreRequest { subject, consistency, at_time, model } = request;
    let Some(Subject::Person(person)) = subject else { return None };
    if consistency.is_some() || at_time.is_some() || !model.is_empty() {
        return None;
    }
    let person = person.parse().ok()?;
    let score = rpc.reader.remembered(person, caller.purpose())?;
    rpc.lookups.note(caller, Seen::Score, person);
    Some(score)
}

async fn read_score(
    rpc: &ScoreRpc,
    caller: &Caller,
    request: GetScoreRequest,
) -> Result<EncodedScore, Error> {
    let person = match request.subject {
        Some(Subject::Person(person)) => parse_person("person", &person)?,
        Some(Subject::Account(account)) => resolve(rpc, account).await?,
        None => return Err(Error::FieldInvalid { field: "subject", problem: "is missing" }),
    };
    if let Some(day) = day(request.at_time, "at_time")? {
        let model = (!request.model.is_empty()).then_some(request.model);
        if let Some(model) = &model {
            rpc.models.known(model, rpc.reader.clock.now()).await?;
        }
        let person = rpc.reader.visible(person, caller.purpose()).await?.person;
        let score = score_at(rpc, person, day, model).await?;
        rpc.lookups.note(caller, Seen::Score, person);
        return Ok(score);
    }
    if !request.model.is_empty() {
        let problem = "is told of a time only: `at_time` is missing";
        return Err(Error::FieldInvalid { field: "model", problem });
    }
    let seen = rpc.reader.visible(person, caller.purpose()).await;
    let Some(freshness) = freshness(request.consistency, rpc.reader.deployment)? else {
        let seen = seen?;
        rpc.lookups.note(caller, Seen::Score, seen.person);
        return Ok(seen.score);
    };
    // Who is not known yet may be once that is reached.
    let person = seen.map_or(person, |seen| seen.person);
    let time_max = rpc.freshness_time_max;
    let newest = freshness::wait(&rpc.reader.db, person, &freshness, time_max).await?;
    match rpc.reader.score_since(person, newest).await? {
        Answer::Score(score) if caller.purpose().sees(score.withheld) => {
            rpc.lookups.note(caller, Seen::Score, person);
            Ok(score)
        }
        Answer::Score(_) | Answer::Nobody | Answer::Moved(_) => {
            Err(Error::PersonUnknown { person })
        }
    }
}

/// The score at the end of a UTC day.
async fn score_at(
    rpc: &ScoreRpc,
    person: PersonId,
    day: i32,
    model: Option<String>,
) -> Result<EncodedScore, Error> {
    let span = Span { first: i32::MIN, last: day, model };
    let rows = store::history::list(&rpc.reader.db, person.get(), &span, None, MODELS_A_DAY)
        .await
        .map_err(Error::store("read history"))?;
    let newest = rows.first().map(|(day, _)| *day);
    // Of several models of one day, the one that served last.
    let of_day = rows.into_iter().filter(|(day, _)| Some(*day) == newest);
    match of_day.map(|(_, score)| score).max_by_key(|score| score.revision) {
        Some(score) => Ok((&to_wire(&score, false, rpc.reader.deployment)).into()),
        None => Err(Error::ScoreNotYet { person }),
    }
}

pub(super) fn parse_person(field: &'static str, text: &str) -> Result<PersonId, Error> {
    let problem = "is not a decimal number from 1 to 9223372036854775807";
    text.parse().map_err(|_| Error::FieldInvalid { field, problem })
}

pub(super) async fn resolve(rpc: &ScoreRpc, account: AccountName) -> Result<PersonId, Error> {
    let request = ResolvePersonRequest { account: Some(account), ..Default::default() };
    let response = rpc.reader.graph.clone().resolve_person(request).await;
    let person = response.map_err(Error::resolving)?.into_inner().person;
    parse_person("person", &person)
}

/// What is asked of the answer; `None` is the quickest.
fn freshness(
    consistency: Option<Consistency>,
    deployment: Deployment,
) -> Result<Option<Freshness>, Error> {
    match consistency.and_then(|consistency| consistency.requirement) {
        None | Some(Requirement::MinimizeLatency(_)) => Ok(None),
        Some(Requirement::MaxStaleness(time)) => {
            let (field, problem) = ("consistency.max_staleness", "is negative");
            let time = Duration::try_from(time);
            let time = time.map_err(|_| Error::FieldInvalid { field, problem })?;
            Ok(Some(Freshness::Staleness(time)))
        }
        Some(Requirement::AtLeastAsFresh(token)) => {
            let revision = parse_token("consistency.at_least_as_fresh", &token, deployment)?;
            Ok(Some(Freshness::Revision(revision)))
        }
    }
}

pub(super) fn parse_token(
    field: &'static str,
    token: &str,
    deployment: Deployment,
) -> Result<Revision, Error> {
    Revision::from_token(token, deployment).map_err(|refused| match refused {
        RevisionRefused::Invalid => {
            Error::FieldInvalid { field, problem: "is not a revision token" }
        }
        RevisionRefused::Elsewhere => Error::RevisionElsewhere { field },
    })
}
