use klout_chassis::{Caller, Seen};
use klout_proto::topic::v1::{SuggestTopicsRequest, SuggestTopicsResponse, SuggestedTopic};
use klout_topic_math::{
    expertise::expertise,
    suggest::{Known, suggest_topics as suggest},
};
use tokio::task::spawn_blocking;

use super::{TopicRpc, page, parse, show};
use crate::{
    error::Error,
    evidence::{REACTIONS_MAX_OF_ANSWERS, model},
};

pub(super) async fn suggest_topics(
    rpc: &TopicRpc,
    caller: &Caller,
    request: SuggestTopicsRequest,
) -> Result<SuggestTopicsResponse, Error> {
    let language = parse::language(&request.language)?;
    let size = page::size(request.page_size, 10, 50)?;
    let member = parse::member(rpc, caller.purpose(), &request.person).await?;
    let person = member.get();
    let current = rpc.ontologies.current().await?;
    let related = rpc.related.current(&current).await?;
    let mut gathered = rpc.gatherer.gather(&current, &[person], REACTIONS_MAX_OF_ANSWERS).await?;
    let gathered = gathered.remove(&person).unwrap_or_default();
    let suggested = spawn_blocking(move || {
        let found = expertise(model(), &current.ontology, &related, &gathered.evidence);
        let everywhere: Vec<_> = found.into_iter().filter(|it| it.network.is_none()).collect();
        let known = Known {
            expertise: &everywhere,
            declared: &gathered.declared,
            vetoed: &gathered.evidence.vetoed,
            influencers: &gathered.evidence.influencers,
        };
        let topics = suggest(&current.ontology, language, &related, &known);
        let topics = topics.into_iter().take(size).map(|it| SuggestedTopic {
            topic: Some(show::topic(&current, it.topic, language)),
            reason: it.reason.as_str().to_owned(),
            explanation: it.explanation,
            strength: it.strength,
        });
        SuggestTopicsResponse { topics: topics.collect() }
    });
    let suggested = suggested.await.map_err(Error::Lost)?;
    rpc.lookups.note(caller, Seen::Suggestions, member);
    Ok(suggested)
}
