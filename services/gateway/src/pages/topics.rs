//! What people are known for here: topics by name, and one topic with those who know it.

use std::collections::HashMap;

use askama::Template;
use axum::body::Bytes;
use futures::future::try_join_all;
use klout_proto::{
    graph::v1::{BatchGetPeopleRequest, Person},
    topic::v1::{
        Expert, GetTopicRequest, GetTopicResponse, ListExpertsRequest, ListTopicsRequest, Topic,
    },
};
use tonic::{Code, Status};

use super::{
    Peers,
    known_for::{self, Link},
    names::{self, Name},
    render,
    text::{self, Figure},
};
use crate::call::to_caller;

/// Topics that a search shows at most.
const FOUND_MAX: i32 = 50;

/// Topics that stand below a topic at most, and at the top.
const PARTS_MAX: i32 = 1_000;

/// What a topic is part of, at most: a call for each.
const PARENTS_MAX: usize = 5;

/// Experts on a page.
const EXPERTS: i32 = 20;

#[derive(Debug, Template)]
#[template(path = "topics.html")]
struct TopicsPage {
    /// Empty: the topics at the top.
    query: String,
    topics: Vec<Listed>,
    more: bool,
    edition: String,
}

/// A topic among others.
#[derive(Debug)]
struct Listed {
    link: Link,
    description: String,
    /// How many topics are part of it.
    parts: String,
}

#[derive(Debug, Template)]
#[template(path = "topic.html")]
struct TopicPage {
    name: String,
    description: String,
    sensitive: bool,
    people: String,
    parents: Vec<Link>,
    parts: Vec<Link>,
    related: Vec<Link>,
    experts: Vec<Row>,
    /// What the experts are filtered by, in words. Empty: by nothing.
    only: String,
    address: String,
    /// Whether this is not the first page of experts.
    further: bool,
    next: Option<String>,
}

/// Somebody who knows about it.
#[derive(Debug)]
struct Row {
    rank: i64,
    person: String,
    name: Name,
    place: String,
    /// The part that most of the evidence is about, if it is not the topic itself.
    mostly: Option<Link>,
    evidence: String,
    score: Figure,
}

/// Whom a page of a topic lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Only {
    network: String,
    country: String,
    city: String,
    /// Of ListExperts. Empty: the first page.
    page: String,
}

/// What a page of topics looks for, as its address says.
pub(super) fn sought(query: &str) -> String {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let sought = pairs.find(|(name, _)| name == "q").map(|(_, value)| value.trim().to_owned());
    sought.unwrap_or_default()
}

pub(super) async fn list(peers: &Peers, query: String) -> Result<Bytes, Status> {
    let searching = !query.is_empty();
    let request = ListTopicsRequest {
        query: query.clone(),
        page_size: if searching { FOUND_MAX } else { PARTS_MAX },
        level_max: i32::from(!searching),
        ..Default::default()
    };
    let listed = peers.topics.clone().list_topics(request).await.map_err(to_caller)?.into_inner();
    // One that does not know of levels yet tells all.
    let topics = listed.topics.into_iter().filter(|it| searching || it.level <= 1);
    Ok(render(&TopicsPage {
        query,
        topics: topics.map(listed_topic).collect(),
        more: searching && !listed.next_page_token.is_empty(),
        edition: listed.edition,
    }))
}

fn listed_topic(topic: Topic) -> Listed {
    let parts = match topic.descendants {
        0 => String::new(),
        1 => "1 part".to_owned(),
        count => format!("{} parts", text::whole(count.into())),
    };
    Listed { link: known_for::link(&topic), description: topic.description, parts }
}

pub(super) async fn one(peers: &Peers, slug: String, only: Only) -> Result<Bytes, Status> {
    let request = GetTopicRequest { topic: slug, ..Default::default() };
    let found = peers.topics.clone().get_topic(request).await.map_err(to_caller)?.into_inner();
    let GetTopicResponse { topic, related, people } = found;
    let topic = topic.unwrap_or_default();
    let ((experts, next_page_token), parts, parents) = futures::try_join!(
        experts(peers, &topic, &only),
        parts(peers, &topic),
        parents(peers, &topic)
    )?;
    let names = names_of(peers, &experts).await?;
    let experts = experts.into_iter().filter_map(|expert| {
        // Who has just left has no name any more, and is not shown.
        let name = names.get(&expert.person)?.clone();
        Some(row(&topic, expert, name))
    });
    let address = known_for::link(&topic).address;
    let next = (!next_page_token.is_empty())
        .then(|| Only { page: next_page_token, ..only.clone() }.address(&address));
    Ok(render(&TopicPage {
        experts: experts.collect(),
        only: only.words(),
        further: !only.page.is_empty(),
        next,
        address,
        people: text::whole(people),
        parents,
        parts,
        related: related.iter().filter_map(|it| it.topic.as_ref()).map(known_for::link).collect(),
        sensitive: topic.sensitive,
        name: topic.display_name,
        description: topic.description,
    }))
}

async fn experts(
    peers: &Peers,
    topic: &Topic,
    only: &Only,
) -> Result<(Vec<Expert>, String), Status> {
    let Only { network, country, city, page } = only.clone();
    let request = ListExpertsRequest {
        topic: topic.topic.clone(),
        network,
        country,
        city,
        page_size: EXPERTS,
        page_token: page,
        language: String::new(),
    };
    let listed = peers.topics.clone().list_experts(request).await.map_err(to_caller)?.into_inner();
    Ok((listed.experts, listed.next_page_token))
}

/// What is part of it and of nothing between.
async fn parts(peers: &Peers, topic: &Topic) -> Result<Vec<Link>, Status> {
    if topic.descendants == 0 {
        return Ok(Vec::new());
    }
    let request = ListTopicsRequest {
        parent: topic.topic.clone(),
        page_size: PARTS_MAX,
        level_max: topic.level.saturating_add(1),
        ..Default::default()
    };
    let listed = peers.topics.clone().list_topics(request).await.map_err(to_caller)?.into_inner();
    let parts = listed.topics.iter().filter(|it| it.parents.contains(&topic.topic));
    Ok(parts.map(known_for::link).collect())
}

/// What it is part of.
async fn parents(peers: &Peers, topic: &Topic) -> Result<Vec<Link>, Status> {
    let parents = topic.parents.iter().take(PARENTS_MAX).map(|parent| async {
        let request = GetTopicRequest { topic: parent.clone(), ..Default::default() };
        match peers.topics.clone().get_topic(request).await {
            Ok(found) => Ok(found.into_inner().topic.as_ref().map(known_for::link)),
            // Another edition came in between.
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(to_caller(status)),
        }
    });
    Ok(try_join_all(parents).await?.into_iter().flatten().collect())
}

async fn names_of(peers: &Peers, experts: &[Expert]) -> Result<HashMap<String, Name>, Status> {
    let people: Vec<_> = experts.iter().map(|it| it.person.clone()).collect();
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    let request = BatchGetPeopleRequest { people };
    let answered = peers.people.clone().batch_get_people(request).await.map_err(to_caller)?;
    let named =
        |person: Person| Some((person.person.clone(), names::names(&person).into_iter().next()?));
    Ok(answered.into_inner().people.into_iter().filter_map(named).collect())
}

fn row(topic: &Topic, expert: Expert, name: Name) -> Row {
    let Expert { person, score, rank, people, mostly, country, city, .. } = expert;
    let mostly = mostly.filter(|it| it.topic != topic.topic);
    let place = [city, country].into_iter().filter(|it| !it.is_empty());
    Row {
        rank,
        person,
        name,
        place: place.collect::<Vec<_>>().join(", "),
        mostly: mostly.as_ref().map(known_for::link),
        evidence: if people == 1 {
            "1 person".to_owned()
        } else {
            format!("{} people", text::whole(people))
        },
        score: text::figure(score),
    }
}

// === impl Only ===

impl Only {
    /// Of the query of an address. What others add to links is none of our business.
    pub(super) fn parse(query: &str) -> Self {
        let mut only = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let field = match &*name {
                "network" => &mut only.network,
                "country" => &mut only.country,
                "city" => &mut only.city,
                "page" => &mut only.page,
                _ => continue,
            };
            *field = value.trim().to_owned();
        }
        only
    }

    fn address(&self, of_topic: &str) -> String {
        let Self { network, country, city, page } = self;
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in
            [("network", network), ("country", country), ("city", city), ("page", page)]
        {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("{of_topic}?{}", query.finish())
    }

    /// `in Bremen, DE, on bluesky`.
    fn words(&self) -> String {
        let place = [&self.city, &self.country].into_iter().filter(|it| !it.is_empty());
        let place = place.cloned().collect::<Vec<_>>().join(", ");
        let place = (!place.is_empty()).then(|| format!("in {place}"));
        let network = (!self.network.is_empty()).then(|| format!("on {}", self.network));
        place.into_iter().chain(network).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_page_lists_survives_being_an_address() {
        let only = Only {
            network: "bluesky".to_owned(),
            country: "DE".to_owned(),
            city: "Bad Münster & mehr".to_owned(),
            page: "a=b".to_owned(),
        };
        let address = only.address("/topics/rust");
        let query = address.strip_prefix("/topics/rust?").expect("a query");
        assert_eq!(Only::parse(query), only);
        assert_eq!(Only::parse("utm=x"), Only::default());
        assert_eq!(only.words(), "in Bad Münster & mehr, DE, on bluesky");
        assert_eq!(Only::default().words(), "");
    }

    #[test]
    fn a_search_is_what_its_address_says() {
        assert_eq!(sought("x=1&q=%20board+games%20"), "board games");
        assert_eq!(sought(""), "");
    }
}
