use klout_model::TopicId;
use klout_proto::topic::v1::{GetTopicRequest, GetTopicResponse, RelatedTopic};

use super::{TopicRpc, parse, show};
use crate::{error::Error, store};

pub(super) async fn get_topic(
    rpc: &TopicRpc,
    request: GetTopicRequest,
) -> Result<GetTopicResponse, Error> {
    let store = Error::store;
    let language = parse::language(&request.language)?;
    let current = rpc.ontologies.current().await?;
    let topic = parse::topic(rpc, &current, &request.topic).await?;
    let related = store::related_topic::of(&rpc.db, &[topic.bits()]).await;
    let people = store::standing::people(&rpc.db, topic.bits()).await;
    let related = related.map_err(store("read what is related"))?;
    let related = related.into_iter().filter_map(|(_, other, strength)| {
        let other = TopicId::of_bits(other).filter(|it| current.ontology.place(*it).is_some())?;
        Some(RelatedTopic { topic: Some(show::topic(&current, other, language)), strength })
    });
    Ok(GetTopicResponse {
        topic: Some(show::topic(&current, topic, language)),
        related: related.collect(),
        people: people.map_err(store("read how many people a topic has"))?,
    })
}
