//! What topics says: what people are known for, and what there is.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use klout_chassis::{Link, reason};
use klout_model::{PersonId, TopicId};
use klout_proto::topic::v1::{
    BatchGetPersonTopicsRequest, DeclareTopicsRequest, DeclaredTopic, GetTopicRequest,
    ListPersonTopicsRequest, PersonTopicNames, topic_service_client::TopicServiceClient,
};
use tokio::time::timeout;
use tonic::{Request, Response, Status};

use crate::error::Error;

/// How long topics may take.
const TIME_MAX: Duration = Duration::from_secs(2);

/// Topics on which one can be vouched for, beside those that one declares.
const EARNED_MAX: usize = 20;

/// The topics of one page, and of how many pages.
const PAGE: i32 = 100;
const PAGES_MAX: usize = 5;

/// The service that knows.
#[derive(Clone, Debug)]
pub(crate) struct Topics(TopicServiceClient<Link>);

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) id: i64,
    pub(crate) slug: String,
}

// === impl Topics ===

impl Topics {
    pub(crate) fn new(link: Link) -> Self {
        Self(TopicServiceClient::new(link))
    }

    /// Topics of each of these people by name, at most `max`, the strongest first.
    pub(crate) async fn names(
        &self,
        people: &[PersonId],
        max: i32,
    ) -> Result<BTreeMap<PersonId, Vec<String>>, Error> {
        let named = self.named(people, max, "").await?;
        Ok(people.iter().copied().zip(named.into_iter().map(|it| it.topics)).collect())
    }

    /// Who of these people has a topic.
    pub(crate) async fn who_has(
        &self,
        people: &[PersonId],
        topic: &str,
    ) -> Result<BTreeSet<PersonId>, Error> {
        let named = self.named(people, 0, topic).await?;
        let people = people.iter().copied().zip(named);
        Ok(people.filter(|(_, named)| named.has_topic).map(|(person, _)| person).collect())
    }

    /// What a member is known for: what they earned most of, best first, and what they declare.
    pub(crate) async fn of_person(&self, person: i64) -> Result<Vec<Topic>, Error> {
        let mut topics: Vec<Topic> = Vec::new();
        let mut earned = 0;
        let mut page_token = String::new();
        for _ in 0..PAGES_MAX {
            let request = ListPersonTopicsRequest {
                person: person.to_string(),
                page_size: PAGE,
                page_token,
                ..Default::default()
            };
            let answered =
                ask(request, async |request| self.client().list_person_topics(request).await);
            let page = answered.await?;
            for it in page.topics {
                let is = |state: &str| it.states.iter().any(|it| it == state);
                earned += usize::from(is("earned"));
                if (is("declared") || earned <= EARNED_MAX)
                    && let Some(topic) = it.topic.as_ref().and_then(read)
                {
                    topics.push(topic);
                }
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok(topics)
    }

    /// A topic by its slug or id.
    pub(crate) async fn find(&self, text: &str) -> Result<Topic, Error> {
        let request = GetTopicRequest { topic: text.to_owned(), ..Default::default() };
        let answered = ask(request, async |request| self.client().get_topic(request).await);
        let topic = answered.await?.topic;
        let topic = topic.as_ref().and_then(read);
        topic.ok_or_else(|| Error::TopicUnknown { topic: text.to_owned() })
    }

    /// The one of these that is meant: topics knows what an id of an edition before is now.
    pub(crate) async fn of_these(&self, topics: &[Topic], text: &str) -> Result<Topic, Error> {
        let named = |it: &&Topic| it.is_called(text);
        if let Some(topic) = topics.iter().find(named) {
            return Ok(topic.clone());
        }
        let meant = self.find(text).await?;
        let found = topics.iter().find(|it| it.id == meant.id).cloned();
        found.ok_or_else(|| Error::TopicUnknown { topic: text.to_owned() })
    }

    /// Has a member declare a topic beside what they declared before.
    pub(crate) async fn declare(&self, person: i64, topic: &str) -> Result<(), Error> {
        let request = DeclareTopicsRequest {
            person: person.to_string(),
            topics: vec![DeclaredTopic { topic: topic.to_owned(), ..Default::default() }],
            add: true,
        };
        ask(request, async |request| self.client().declare_topics(request).await).await.map(|_| ())
    }

    async fn named(
        &self,
        people: &[PersonId],
        topics_max: i32,
        topic: &str,
    ) -> Result<Vec<PersonTopicNames>, Error> {
        if people.is_empty() {
            return Ok(Vec::new());
        }
        let request = BatchGetPersonTopicsRequest {
            people: people.iter().map(ToString::to_string).collect(),
            topics_max,
            topic: topic.to_owned(),
        };
        let answered =
            ask(request, async |request| self.client().batch_get_person_topics(request).await);
        Ok(answered.await?.people)
    }

    fn client(&self) -> TopicServiceClient<Link> {
        self.0.clone()
    }
}

// === impl Topic ===

impl Topic {
    /// Whether that is its slug or its id.
    pub(crate) fn is_called(&self, text: &str) -> bool {
        self.slug.eq_ignore_ascii_case(text)
            || TopicId::of_bits(self.id).is_some_and(|id| id.to_string() == text)
    }
}

fn read(topic: &klout_proto::topic::v1::Topic) -> Option<Topic> {
    let id: TopicId = topic.topic.parse().ok()?;
    Some(Topic { id: id.bits(), slug: topic.slug.clone() })
}

/// Asks within a time. What topics says about what the caller named is told in its words.
async fn ask<Q, A>(
    request: Q,
    call: impl AsyncFnOnce(Request<Q>) -> Result<Response<A>, Status>,
) -> Result<A, Error> {
    let mut request = Request::new(request);
    request.set_timeout(TIME_MAX);
    // Topics keeps to the time limit by itself, unless it hangs.
    let answered = timeout(TIME_MAX, call(request)).await;
    let hangs = || Status::unavailable("topics takes too long");
    match answered.unwrap_or_else(|_| Err(hangs())) {
        Ok(response) => Ok(response.into_inner()),
        Err(status) => Err(match reason(&status).as_deref() {
            Some(
                "TOPIC_UNKNOWN" | "TOPIC_VETOED" | "TOPICS_TOO_MANY" | "PERSON_UNKNOWN"
                | "FIELD_INVALID",
            ) => Error::Topics(status),
            Some("DEADLINE_EXCEEDED") => Error::Peer(hangs()),
            Some(_) | None => Error::Peer(status),
        }),
    }
}
