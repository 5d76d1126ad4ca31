use klout_model::Purpose;
use klout_proto::topic::v1::{RestoreTopicRequest, RestoreTopicResponse};

use super::{TopicRpc, parse};
use crate::{error::Error, sayings};

pub(super) async fn restore_topic(
    rpc: &TopicRpc,
    purpose: Purpose,
    request: RestoreTopicRequest,
) -> Result<RestoreTopicResponse, Error> {
    let person = parse::member(rpc, purpose, &request.person).await?.get();
    loop {
        let current = rpc.ontologies.current().await?;
        let topic = parse::topic(rpc, &current, &request.topic).await?;
        if sayings::restore(&rpc.db, &current, person, topic).await? {
            rpc.people_changed.notify_one();
            return Ok(RestoreTopicResponse {});
        }
    }
}
