use klout_proto::graph::v1::{AnswerTopicProposalRequest, AnswerTopicProposalResponse};

use super::{PlusKRpc, parse_id, parse_person};
use crate::error::Error;

pub(super) async fn answer_topic_proposal(
    rpc: &PlusKRpc,
    request: AnswerTopicProposalRequest,
) -> Result<AnswerTopicProposalResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let id = parse_id("proposal", &request.proposal)?;
    rpc.vouching.answer(person, id, request.accept).await?;
    Ok(AnswerTopicProposalResponse {})
}
