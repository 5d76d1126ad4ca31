//! The client, and what it asks about people.

use std::{sync::Arc, time::Duration, time::SystemTime};

use klout_proto::{
    profile::v1::{
        ResolveAndGetScoreRequest, ResolveAndGetScoreResponse,
        lookup_service_client::LookupServiceClient,
    },
    score::v1::{
        BatchLookupScoresRequest, GetScoreRequest, Score, consistency::Requirement, lookup_result,
        score_service_client::ScoreServiceClient,
    },
    topic::v1::{
        Expert, GetTopicRequest, GetTopicResponse, ListExpertsRequest, ListExpertsResponse,
        ListPersonTopicsRequest, ListPersonTopicsResponse, PersonTopic,
        topic_service_client::TopicServiceClient,
    },
};
use prost::Message as _;
use tonic::{Request, Response, Status, transport::Channel};

use crate::{Builder, Error, Repeat, Subject, cache::Cache, call::Calls};

/// Topics of one person at most: as many as a page has.
const TOPICS_MAX: i32 = 100;

/// A way to a gateway. Clones share its connections, its budget and what it keeps.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) calls: Arc<Calls>,
    pub(crate) caches: Option<Arc<Caches>>,
    pub(crate) deadline: Duration,
}

/// What is shown again.
#[derive(Debug)]
pub(crate) struct Caches {
    pub(crate) scores: Cache<Score>,
    pub(crate) look_ups: Cache<ResolveAndGetScoreResponse>,
    pub(crate) topics: Cache<Vec<PersonTopic>>,
}

// === impl Client ===

impl Client {
    /// A client of the gateway at an address such as `http://127.0.0.1:8080`.
    pub fn builder(server: impl Into<String>) -> Builder {
        Builder::new(server.into())
    }

    /// A client over channels of the caller's own making; `second` is for reads that are asked a second time.
    pub fn over(channel: Channel, second: Channel) -> Builder {
        Builder::over(channel, second)
    }

    /// The same client, with another time for each call.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// The score of somebody, the quickest answer.
    ///
    /// # Errors
    ///
    /// What `GetScore` of `klout.score.v1` says, or that it could not be asked.
    pub async fn score(&self, subject: Subject) -> Result<Score, Error> {
        let subject = Some(subject.into());
        self.score_with(GetScoreRequest { subject, ..Default::default() }).await
    }

    /// The score of somebody, as fresh or as old as the request says. Who says how fresh is never shown what was kept.
    ///
    /// # Errors
    ///
    /// As [`score`](Self::score).
    pub async fn score_with(&self, request: GetScoreRequest) -> Result<Score, Error> {
        let quickest = is_quickest(request.consistency.as_ref());
        let question = request.encode_to_vec();
        let ask = |deadline: Duration| {
            let (client, request) = (self.with_deadline(deadline), request.clone());
            async move {
                let read = Repeat::Read("GetScore");
                let answer = client.call(read, request, |channel, request| async move {
                    ScoreServiceClient::new(channel).get_score(request).await
                });
                answer.await?.score.ok_or_else(|| Error::malformed("an answer without its score"))
            }
        };
        match self.caches.as_ref().filter(|_| quickest) {
            Some(caches) => caches.scores.get(&question, self.deadline, |_| None, ask).await,
            None => ask(self.deadline).await,
        }
    }

    /// The scores of up to 1,000, in their order: each has its own, or its own error.
    ///
    /// # Errors
    ///
    /// What `BatchLookupScores` of `klout.score.v1` says, or that it could not be asked.
    pub async fn scores(
        &self,
        subjects: impl IntoIterator<Item = Subject>,
    ) -> Result<Vec<Result<Score, Error>>, Error> {
        let subjects = subjects.into_iter().map(Into::into).collect();
        let request = BatchLookupScoresRequest { subjects };
        let read = Repeat::Read("BatchLookupScores");
        let answer = self.call(read, request, |channel, request| async move {
            ScoreServiceClient::new(channel).batch_lookup_scores(request).await
        });
        let rows = answer.await?.results.into_iter().map(|row| match row.result {
            Some(lookup_result::Result::Score(score)) => Ok(score),
            Some(lookup_result::Result::Status(status)) => Err(Error::of_row(&status)),
            None => Err(Error::malformed("a row with neither a score nor a status")),
        });
        Ok(rows.collect())
    }

    /// Finds a person by what is known of a customer, and their score. It is kept no longer than its `expire_time`.
    ///
    /// # Errors
    ///
    /// What `ResolveAndGetScore` of `klout.profile.v1` says, or that it could not be asked.
    pub async fn look_up(
        &self,
        request: ResolveAndGetScoreRequest,
    ) -> Result<ResolveAndGetScoreResponse, Error> {
        let quickest = is_quickest(request.consistency.as_ref());
        let question = request.encode_to_vec();
        let ask = |deadline: Duration| {
            let (client, request) = (self.with_deadline(deadline), request.clone());
            async move {
                let read = Repeat::Read("ResolveAndGetScore");
                let answer = client.call(read, request, |channel, request| async move {
                    LookupServiceClient::new(channel).resolve_and_get_score(request).await
                });
                answer.await
            }
        };
        match self.caches.as_ref().filter(|_| quickest) {
            Some(caches) => caches.look_ups.get(&question, self.deadline, expires, ask).await,
            None => ask(self.deadline).await,
        }
    }

    /// What a person is influential about and what they declared, the strongest 100 first.
    ///
    /// # Errors
    ///
    /// What `ListPersonTopics` of `klout.topic.v1` says, or that it could not be asked.
    pub async fn topics(&self, person: impl Into<String>) -> Result<Vec<PersonTopic>, Error> {
        let request = ListPersonTopicsRequest {
            person: person.into(),
            page_size: TOPICS_MAX,
            ..Default::default()
        };
        let question = request.encode_to_vec();
        let ask = |deadline: Duration| {
            let (client, request) = (self.with_deadline(deadline), request.clone());
            async move {
                let read = Repeat::Read("ListPersonTopics");
                let answer = client.call(read, request, |channel, request| async move {
                    TopicServiceClient::new(channel).list_person_topics(request).await
                });
                answer.await.map(|ListPersonTopicsResponse { topics, .. }| topics)
            }
        };
        match &self.caches {
            Some(caches) => caches.topics.get(&question, self.deadline, |_| None, ask).await,
            None => ask(self.deadline).await,
        }
    }

    /// A topic by its id or slug.
    ///
    /// # Errors
    ///
    /// What `GetTopic` of `klout.topic.v1` says, or that it could not be asked.
    pub async fn topic(&self, topic: impl Into<String>) -> Result<GetTopicResponse, Error> {
        let request = GetTopicRequest { topic: topic.into(), ..Default::default() };
        self.call(Repeat::Read("GetTopic"), request, |channel, request| async move {
            TopicServiceClient::new(channel).get_topic(request).await
        })
        .await
    }

    /// People who are influential on a topic, best first: one page, and what asks for the next one, empty after the last.
    ///
    /// # Errors
    ///
    /// What `ListExperts` of `klout.topic.v1` says, or that it could not be asked.
    pub async fn experts(
        &self,
        request: ListExpertsRequest,
    ) -> Result<(Vec<Expert>, String), Error> {
        let answer =
            self.call(Repeat::Read("ListExperts"), request, |channel, request| async move {
                TopicServiceClient::new(channel).list_experts(request).await
            });
        answer
            .await
            .map(|ListExpertsResponse { experts, next_page_token, .. }| (experts, next_page_token))
    }

    /// Any RPC, by the same rules: `send` sends the request over a channel, through a generated client.
    ///
    /// ```no_run
    /// use klout_client::{
    ///     Client, Repeat,
    ///     proto::score::v1::{ListScoresRequest, score_service_client::ScoreServiceClient},
    /// };
    ///
    /// # async fn history(client: Client) -> Result<(), klout_client::Error> {
    /// let request = ListScoresRequest { person: "42".to_owned(), ..Default::default() };
    /// let history = client.call(Repeat::Read("ListScores"), request, |channel, request| async move {
    ///     ScoreServiceClient::new(channel).list_scores(request).await
    /// });
    /// println!("{} days", history.await?.scores.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What the gateway says, or that it could not be asked.
    pub async fn call<Q: Clone, A, F>(
        &self,
        repeat: Repeat,
        request: Q,
        send: impl Fn(Channel, Request<Q>) -> F,
    ) -> Result<A, Error>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        self.calls.call(repeat, self.deadline, request, send).await
    }
}

/// Until when an answer may be kept.
fn expires(answer: &ResolveAndGetScoreResponse) -> Option<SystemTime> {
    // A time that cannot be is one that has passed.
    answer.expire_time.map(|time| SystemTime::try_from(time).unwrap_or(SystemTime::UNIX_EPOCH))
}

fn is_quickest(consistency: Option<&klout_proto::score::v1::Consistency>) -> bool {
    match consistency.and_then(|it| it.requirement.as_ref()) {
        None | Some(Requirement::MinimizeLatency(_)) => true,
        Some(Requirement::AtLeastAsFresh(_) | Requirement::MaxStaleness(_)) => false,
    }
}
