use klout_proto::graph::v1::{ProposeTopicRequest, ProposeTopicResponse};

use super::{PlusKRpc, parse_person, parse_topic, show};
use crate::error::Error;

pub(super) async fn propose_topic(
    rpc: &PlusKRpc,
    request: ProposeTopicRequest,
) -> Result<ProposeTopicResponse, Error> {
    let proposer = parse_person("proposer", &request.proposer)?;
    let person = parse_person("person", &request.person)?;
    let topic = parse_topic(request.topic)?;
    let proposal = rpc.vouching.propose(proposer, person, &topic).await?;
    Ok(ProposeTopicResponse { proposal: Some(show::proposal(proposal)) })
}
