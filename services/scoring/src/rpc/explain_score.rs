use klout_chassis::{Caller, Seen};
use klout_model::{Day, PersonId, Purpose};
use klout_proto::{
    convert,
    revision::Deployment,
    score::v1::{
        ExplainScoreRequest, ExplainScoreResponse, Explanation, Score,
        explain_score_request::Subject,
    },
};
use klout_score_math::Portrait;
use tokio::task::spawn_blocking;

use super::{
    ScoreRpc,
    get_score::{parse_person, resolve},
};
use crate::{
    error::Error,
    explanation::{self, Explained, Since},
    portraits::Sitter,
    score::to_wire,
    store::{self, history::Span},
};

pub(super) async fn explain_score(
    rpc: &ScoreRpc,
    caller: &Caller,
    request: ExplainScoreRequest,
) -> Result<ExplainScoreResponse, Error> {
    let person = match request.subject {
        Some(Subject::Person(person)) => parse_person("person", &person)?,
        Some(Subject::Account(account)) => resolve(rpc, account).await?,
        None => return Err(Error::FieldInvalid { field: "subject", problem: "is missing" }),
    };
    let refused = |problem| Error::FieldInvalid { field: "since_time", problem };
    let since = match &request.since_time {
        None => None,
        Some(time) => {
            let time = convert::time(time).ok_or_else(|| refused("is not a time"))?;
            Some(Day::of(time))
        }
    };
    let person = rpc.reader.visible(person, caller.purpose()).await?.person;
    let explanation = explained(rpc, caller.purpose(), person, since).await?;
    rpc.lookups.note(caller, Seen::Explanation, person);
    Ok(ExplainScoreResponse { explanation: Some(explanation) })
}

/// The explanation of now. What changed is told since the end of a day, or of the day before.
pub(super) async fn explained(
    rpc: &ScoreRpc,
    purpose: Purpose,
    person: PersonId,
    since: Option<Day>,
) -> Result<Explanation, Error> {
    let (person, sitter) = sitter(rpc, purpose, person).await?;
    let since = since.unwrap_or_else(|| sitter.today.minus(1));
    if since >= sitter.today {
        let problem = "is not on a day that is over";
        return Err(Error::FieldInvalid { field: "since_time", problem });
    }
    let model = sitter.epoch.model.name().to_owned();
    let span = Span { first: i32::MIN, last: since.number(), model: Some(model) };
    let before = store::history::list(&rpc.reader.db, person.get(), &span, None, 1)
        .await
        .map_err(Error::store("read an earlier score"))?;
    let before = before.first().and_then(|(_, score)| score.known.as_ref()).map(|it| it.score);
    let deployment = rpc.reader.deployment;
    // Of somebody famous it takes some milliseconds.
    let explained = move || {
        let (portrait, then) = (sitter.portrait(sitter.today)?, sitter.portrait(since)?);
        let model = &*sitter.epoch.model;
        let (_, end) = since.bounds();
        let then = Some(Since { time: end, score: before, portrait: &then });
        let explained = Explained {
            person,
            portrait: &portrait,
            today: sitter.today,
            score: stored(&sitter, &portrait, person, deployment),
            since: then,
            // Nothing else that counts leaves the log, and of a part of the evidence nothing is explained.
            recomputable: !sitter.gaps,
        };
        explanation::explain_score(model, explained)
    };
    spawn_blocking(explained).await.map_err(Error::Lost)?
}

/// Everything that is known of somebody, and who they are now; or that there is no such person for a purpose.
pub(super) async fn sitter(
    rpc: &ScoreRpc,
    purpose: Purpose,
    person: PersonId,
) -> Result<(PersonId, Sitter), Error> {
    let person = rpc.reader.visible(person, purpose).await?.person;
    Ok((person, rpc.portraits.of(person).await?))
}

/// The score as it is stored; of somebody who is not scored yet, what can be said.
pub(super) fn stored(
    sitter: &Sitter,
    portrait: &Portrait,
    person: PersonId,
    deployment: Deployment,
) -> Score {
    sitter.score.as_ref().map_or_else(
        || Score {
            person: person.to_string(),
            state: if portrait.score(&sitter.epoch.model).is_some() {
                convert::state::PENDING
            } else {
                convert::state::UNKNOWN
            }
            .to_owned(),
            model: sitter.epoch.model.name().to_owned(),
            epoch: sitter.epoch.number,
            ..Score::default()
        },
        |score| to_wire(score, false, deployment),
    )
}
