use std::collections::BTreeMap;

use klout_chassis::{Caller, Seen};
use klout_proto::{
    graph::v1::{BatchGetPeopleRequest, ResolvePersonRequest},
    topic::v1::{
        DeclareTopicsRequest, DeclareTopicsResponse, DeclaredTopic, Influencer, PersonTopic,
        influencer,
    },
};

use super::{TopicRpc, list_person_topics::Listing, parse};
use crate::{
    error::Error,
    ontologies::Current,
    sayings::{self, TOPICS_MAX},
    store::said::Declared,
};

/// Influencers in one of them.
const INFLUENCERS_MAX: usize = 10;

pub(super) async fn declare_topics(
    rpc: &TopicRpc,
    caller: &Caller,
    request: DeclareTopicsRequest,
) -> Result<DeclareTopicsResponse, Error> {
    let invalid = |field, problem| Err(Error::FieldInvalid { field, problem });
    if request.topics.len() > TOPICS_MAX {
        return invalid("topics", "are more than 20");
    }
    if request.topics.iter().any(|it| it.influencers.len() > INFLUENCERS_MAX) {
        return invalid("influencers", "are more than 10 of one topic");
    }
    let member = parse::member(rpc, caller.purpose(), &request.person).await?;
    let person = member.get();
    let mut influencers = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        influencers.push(people(rpc, person, &topic.influencers).await?);
    }
    loop {
        let current = rpc.ontologies.current().await?;
        let declared = declared(rpc, &current, person, &request.topics, &influencers).await?;
        let said = if request.add {
            sayings::declare_too(&rpc.db, &current, person, &declared).await?
        } else {
            sayings::declare(&rpc.db, &current, person, &declared).await?
        };
        if said {
            rpc.posts_changed.notify_one();
            rpc.people_changed.notify_one();
            let mut listing = Listing::read(rpc, &current, person).await?;
            let all = listing.all_declared().to_vec();
            listing.complete(rpc, &current, person, &all).await?;
            let topics: Vec<PersonTopic> = listing.declared(&current, None);
            // The answer is all that is declared, whatever was added to it, also when nothing was.
            rpc.lookups.note(caller, Seen::Topics, member);
            return Ok(DeclareTopicsResponse { topics });
        }
    }
}

async fn declared(
    rpc: &TopicRpc,
    current: &Current,
    person: i64,
    topics: &[DeclaredTopic],
    influencers: &[Vec<i64>],
) -> Result<Vec<Declared>, Error> {
    let mut declared: Vec<Declared> = Vec::with_capacity(topics.len());
    for (said, influencers) in topics.iter().zip(influencers) {
        let topic = parse::topic(rpc, current, &said.topic).await?.bits();
        if declared.iter().any(|it| it.topic == topic) {
            return Err(Error::FieldInvalid { field: "topics", problem: "names a topic twice" });
        }
        declared.push(Declared {
            person,
            topic,
            stand_in: false,
            influencers: influencers.clone(),
        });
    }
    Ok(declared)
}

/// Who influencers are: members, each once, sorted.
async fn people(
    rpc: &TopicRpc,
    person: i64,
    influencers: &[Influencer],
) -> Result<Vec<i64>, Error> {
    let invalid = |problem| Err(Error::FieldInvalid { field: "influencers", problem });
    let mut people: BTreeMap<i64, String> = BTreeMap::new();
    for it in influencers {
        let person = match &it.influencer {
            Some(influencer::Influencer::Person(text)) => {
                let person = parse::person("influencers", text)?;
                people.insert(person.get(), text.clone());
                continue;
            }
            Some(influencer::Influencer::Account(account)) => {
                let request =
                    ResolvePersonRequest { account: Some(account.clone()), ..Default::default() };
                let found = rpc.graph.clone().resolve_person(request).await;
                found.map_err(Error::resolving)?.into_inner().person
            }
            None => return invalid("names nobody"),
        };
        people.insert(parse::person("influencers", &person)?.get(), person);
    }
    if people.contains_key(&person) {
        return invalid("are not the person");
    }
    if !people.is_empty() {
        let request = BatchGetPeopleRequest { people: people.values().cloned().collect() };
        let found = rpc.graph.clone().batch_get_people(request).await;
        let found = found.map_err(Error::resolving)?.into_inner().people;
        let is_there = |text: &String| found.iter().any(|it| it.person == *text);
        if let Some(text) = people.values().find(|text| !is_there(text)) {
            return Err(Error::PersonUnknown { person: parse::person("influencers", text)? });
        }
    }
    Ok(people.into_keys().collect())
}
