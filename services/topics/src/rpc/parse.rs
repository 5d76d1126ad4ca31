//! What callers name: people, topics, languages.

use klout_model::{PersonId, TopicId};
use klout_ontology::Language;
use klout_proto::graph::v1::GetPersonRequest;

use super::TopicRpc;
use crate::{error::Error, ontologies::Current, store};

/// The longest that a slug or an id can be.
const TOPIC_BYTES_MAX: usize = 200;

/// A person, who may not be there.
pub(super) fn person(field: &'static str, text: &str) -> Result<PersonId, Error> {
    let problem = if text.is_empty() { "is missing" } else { "is not a person" };
    text.parse().map_err(|_| Error::FieldInvalid { field, problem })
}

/// A person who is there.
pub(super) async fn member(rpc: &TopicRpc, text: &str) -> Result<PersonId, Error> {
    let person = person("person", text)?;
    // Whoever owns an account is there; of others only social-graph knows.
    let known = store::account::any_of(&rpc.db, person.get()).await;
    if !known.map_err(Error::store("look for a person"))? {
        let request = GetPersonRequest { person: person.to_string() };
        rpc.graph.clone().get_person(request).await.map_err(Error::resolving)?;
    }
    Ok(person)
}

/// A topic by id or slug. An id of an edition before leads to what took its place.
pub(super) async fn topic(rpc: &TopicRpc, current: &Current, text: &str) -> Result<TopicId, Error> {
    if text.is_empty() {
        return Err(Error::FieldInvalid { field: "topic", problem: "is missing" });
    }
    let unknown = || {
        let topic = text.chars().take(TOPIC_BYTES_MAX).collect();
        Error::TopicUnknown { topic }
    };
    if text.len() > TOPIC_BYTES_MAX {
        return Err(unknown());
    }
    if let Some(topic) = current.ontology.find(text) {
        return Ok(topic.id);
    }
    let old: TopicId = text.parse().map_err(|_| unknown())?;
    let moved = store::edition::moved(&rpc.db, old.bits()).await;
    let moved = moved.map_err(Error::store("look where a topic is"))?;
    current.topics(moved).next().ok_or_else(unknown)
}

/// A language; `None`: English.
pub(super) fn language(text: &str) -> Result<Option<Language>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let invalid = |_| {
        let problem = "is not two or three lower-case letters, such as en";
        Error::FieldInvalid { field: "language", problem }
    };
    text.parse().map(Some).map_err(invalid)
}
