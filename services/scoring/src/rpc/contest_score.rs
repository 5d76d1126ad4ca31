use klout_model::PersonId;
use klout_proto::score::v1::{ContestScoreRequest, ContestScoreResponse, Explanation};
use prost::Message as _;

use super::{ScoreRpc, explain_score::explained, get_score::parse_person, text};
use crate::{
    cached::Answer,
    contest::{self, to_wire},
    error::Error,
};

pub(super) async fn contest_score(
    rpc: &ScoreRpc,
    request: ContestScoreRequest,
) -> Result<ContestScoreResponse, Error> {
    let person = parse_person("person", &request.person)?;
    text::check("reason", &request.reason)?;
    text::check_request_id(&request.request_id)?;
    if rpc.reader.score(person).await? == Answer::Nobody {
        return Err(Error::PersonUnknown { person });
    }
    let explanation = explanation_now(rpc, person).await?.map(|it| it.encode_to_vec());
    let contest = contest::open(
        &rpc.reader.db,
        person.get(),
        &request.reason,
        &request.request_id,
        explanation.as_deref(),
    )
    .await?;
    Ok(ContestScoreResponse { contest: Some(to_wire(contest)?) })
}

/// The explanation of this moment; `None` when there is no score.
async fn explanation_now(rpc: &ScoreRpc, person: PersonId) -> Result<Option<Explanation>, Error> {
    match explained(rpc, person, None).await {
        Ok(explanation) => Ok(Some(explanation)),
        Err(Error::ScoreUnknown { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
