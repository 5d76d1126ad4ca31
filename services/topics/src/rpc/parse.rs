//! What callers name: people, topics, languages.

use klout_model::{PersonId, Purpose, TopicId};
use klout_ontology::Language;
use klout_proto::{graph::v1::GetPersonRequest, people::State};

use super::TopicRpc;
use crate::{
    error::Error,
    ontologies::Current,
    store::{
        self,
        person_state::{Standing, sees},
    },
};

/// The longest that a slug or an id can be.
const TOPIC_BYTES_MAX: usize = 200;

/// A person, who may not be there.
pub(super) fn person(field: &'static str, text: &str) -> Result<PersonId, Error> {
    let problem = if text.is_empty() { "is missing" } else { "is not a person" };
    text.parse().map_err(|_| Error::FieldInvalid { field, problem })
}

/// How often somebody is looked for who is somebody else now.
const MOVES_MAX: usize = 4;

/// A person who is there for a purpose, or who they are now.
pub(super) async fn member(
    rpc: &TopicRpc,
    purpose: Purpose,
    text: &str,
) -> Result<PersonId, Error> {
    let asked = person("person", text)?;
    let unknown = || Error::PersonUnknown { person: asked };
    let mut person = asked;
    for _ in 0..MOVES_MAX {
        let standings = store::person_state::find(&rpc.db, &[person.get()]).await;
        let standings = standings.map_err(Error::store("look who is a member"))?;
        if let Some(Standing::Moved(into)) = standings.get(&person.get()) {
            person = PersonId::new(*into).ok_or_else(unknown)?;
            continue;
        }
        if !sees(purpose, &standings, person.get()) {
            return Err(unknown());
        }
        return known(rpc, person).await;
    }
    Err(unknown())
}

async fn known(rpc: &TopicRpc, person: PersonId) -> Result<PersonId, Error> {
    // Whoever owns an account is there; of others only social-graph knows.
    let known = store::account::any_of(&rpc.db, person.get()).await;
    if !known.map_err(Error::store("look for a person"))? {
        let request = GetPersonRequest { person: person.to_string() };
        let found = rpc.graph.clone().get_person(request).await.map_err(Error::resolving)?;
        if found.into_inner().person.is_some_and(|it| it.state == State::Withheld.as_str()) {
            return Err(Error::PersonUnknown { person });
        }
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
