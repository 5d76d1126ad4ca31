//! Asks topics what people are known for.

use std::collections::{BTreeMap, BTreeSet};

use klout_chassis::{Link, reason};
use klout_model::PersonId;
use klout_proto::topic::v1::{
    BatchGetPersonTopicsRequest, PersonTopicNames, topic_service_client::TopicServiceClient,
};

use crate::error::Error;

/// The service that knows.
#[derive(Clone, Debug)]
pub(crate) struct Topics(TopicServiceClient<Link>);

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
        let named = self.ask(people, max, "").await?;
        Ok(people.iter().copied().zip(named.into_iter().map(|it| it.topics)).collect())
    }

    /// Who of these people has a topic.
    pub(crate) async fn who_has(
        &self,
        people: &[PersonId],
        topic: &str,
    ) -> Result<BTreeSet<PersonId>, Error> {
        let named = self.ask(people, 0, topic).await?;
        let people = people.iter().copied().zip(named);
        Ok(people.filter(|(_, named)| named.has_topic).map(|(person, _)| person).collect())
    }

    async fn ask(
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
        let answered = self.0.clone().batch_get_person_topics(request).await;
        let answered = answered.map_err(|status| match reason(&status).as_deref() {
            Some("TOPIC_UNKNOWN") => Error::Topics(status),
            Some(_) | None => Error::Peer(status),
        })?;
        Ok(answered.into_inner().people)
    }
}
