use klout_model::TopicId;
use klout_proto::topic::v1::{MatchTextRequest, MatchTextResponse, TextTopic};
use klout_topic_math::words::Words;
use tokio::task::spawn_blocking;

use super::{TopicRpc, parse, show};
use crate::error::Error;

const TEXT_BYTES_MAX: usize = 256 * 1024;
const LINKS_MAX: usize = 1_000;
const TAGS_MAX: usize = 20_000;
const AUTHOR_TOPICS_MAX: usize = 1_000;

pub(super) async fn match_text(
    rpc: &TopicRpc,
    request: MatchTextRequest,
) -> Result<MatchTextResponse, Error> {
    let too_much = [
        (request.text.len() > TEXT_BYTES_MAX, "text", "has more than 256 KiB"),
        (request.links.len() > LINKS_MAX, "links", "are more than 1,000"),
        (request.tags.len() > TAGS_MAX, "tags", "are more than 20,000"),
        (request.author_topics.len() > AUTHOR_TOPICS_MAX, "author_topics", "are more than 1,000"),
    ];
    if let Some((_, field, problem)) = too_much.into_iter().find(|it| it.0) {
        return Err(Error::FieldInvalid { field, problem });
    }
    let language = parse::language(&request.language)?;
    let current = rpc.ontologies.current().await?;
    // What the ontology does not have says nothing.
    let author = request.author_topics.iter().filter_map(|it| current.ontology.find(it));
    let author: Vec<TopicId> = author.map(|it| it.id).collect();
    let read = spawn_blocking(move || {
        let MatchTextRequest { text, links, tags, .. } = request;
        let words = Words { text: &text, links: &links, tags: &tags, language };
        let topics = current.matcher.topics(&words, &author).into_iter().map(|it| TextTopic {
            topic: Some(show::topic(&current, it.topic, None)),
            weight: it.weight.into(),
            words: it.words,
        });
        let language = current.matcher.language(&words);
        MatchTextResponse {
            topics: topics.collect(),
            language: language.map_or_else(String::new, |it| it.to_string()),
        }
    });
    read.await.map_err(Error::Lost)
}
