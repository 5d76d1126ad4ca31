use klout_chassis::Caller;
use klout_model::{PersonId, Purpose};
use klout_proto::score::v1::{ContestScoreRequest, ContestScoreResponse, Explanation};
use prost::Message as _;

use super::{ScoreRpc, explain_score::explained, get_score::parse_person, text};
use crate::{
    contest::{self, shown_to},
    error::Error,
};

pub(super) async fn contest_score(
    rpc: &ScoreRpc,
    caller: &Caller,
    request: ContestScoreRequest,
) -> Result<ContestScoreResponse, Error> {
    let person = parse_person("person", &request.person)?;
    text::check("reason", &request.reason)?;
    text::check_request_id(&request.request_id)?;
    let purpose = caller.purpose();
    let person = rpc.reader.visible(person, purpose).await?.person;
    let explanation = explanation_now(rpc, purpose, person).await?.map(|it| it.encode_to_vec());
    let contest = contest::open(
        &rpc.reader.db,
        person.get(),
        &request.reason,
        &request.request_id,
        explanation.as_deref(),
    )
    .await?;
    Ok(ContestScoreResponse { contest: Some(shown_to(caller, &rpc.lookups, contest)?) })
}

/// The explanation of this moment; `None` when there is no score.
async fn explanation_now(
    rpc: &ScoreRpc,
    purpose: Purpose,
    person: PersonId,
) -> Result<Option<Explanation>, Error> {
    match explained(rpc, purpose, person, None).await {
        Ok(explanation) => Ok(Some(explanation)),
        Err(Error::ScoreUnknown { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
