//! Lists people: those who fit, best first.
//!
//! Scoring's ranking leads, and social-graph and topics tell of the people on it who fits. That is work for ourselves,
//! for a bounded number of people a page, and shows the caller nothing. Who fits is asked for once more on the caller's
//! behalf, scoring last: only who is there then, and consents to the purpose of the key, is listed and noted.

pub(crate) mod csv;
mod filter;
mod place;
mod seal;

use std::collections::HashMap;

use klout_chassis::{Caller, Link, Links, PageMalformed, page};
use klout_model::AccountKey;
use klout_proto::{
    graph::v1::{BatchGetPeopleRequest, Person, graph_service_client::GraphServiceClient},
    profile::v1::{ListPeopleRequest, ListPeopleResponse, ListedPerson},
    score::v1::{
        BatchLookupScoresRequest, ListTopScoresRequest, ListTopScoresResponse, LookupSubject,
        Score, lookup_result, lookup_subject, score_service_client::ScoreServiceClient,
    },
    topic::v1::{
        BatchGetPersonTopicsRequest, PersonTopicNames, topic_service_client::TopicServiceClient,
    },
};
use tonic::Status;
use tracing::instrument;

use self::{filter::Filter, place::Place, seal::Seal};
use crate::{call::to_caller, error::Error};

/// People of the ranking who are looked at together: as many as the others answer about.
const BATCH: usize = 1_000;

/// People of the ranking who are looked at for one page.
const LOOKED_AT_MAX: usize = 10_000;

/// Topics of each that are told.
const TOPICS_MAX: i32 = 5;

/// Asks for them. Clones share what they use.
#[derive(Clone, Debug)]
pub(crate) struct People {
    graph: Link,
    scoring: Link,
    topics: Link,
    seal: Seal,
}

// === impl People ===

impl People {
    pub(crate) fn new(links: &Links, account_key: &AccountKey) -> Self {
        let (graph, scoring) = (links.to("social_graph"), links.to("scoring"));
        Self { graph, scoring, topics: links.to("topics"), seal: Seal::new(account_key) }
    }

    #[instrument(name = "list_people", skip_all)]
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        request: ListPeopleRequest,
    ) -> Result<ListPeopleResponse, Status> {
        let size = page::size(request.page_size, 100, 1_000).map_err(Error::from)?;
        let mut place = self.place(&request.page_token).map_err(Error::from)?;
        let filter = Filter::parse(request)?;
        let mut candidates = Vec::new();
        let mut looked_at = 0;
        let next = loop {
            // Nobody is in vain where everybody fits.
            let batch = if filter.asks_others() { BATCH } else { size - candidates.len() };
            let page = self.ranking(&filter, &place, batch).await?;
            looked_at += page.scores.len();
            let ranked = place.rest_of(page.scores);
            let mut fitting = self.fitting(&filter, ranked).await?;
            if candidates.len() + fitting.len() > size {
                fitting.truncate(size - candidates.len());
                candidates.extend(fitting);
                break candidates.last().map(|last| place.after(last));
            }
            candidates.extend(fitting);
            if page.next_page_token.is_empty() {
                break None;
            }
            place = Place::at(page.next_page_token);
            if candidates.len() == size || looked_at >= LOOKED_AT_MAX {
                break Some(place);
            }
        };
        let people = self.shown(caller, &filter, &candidates).await?;
        let token = |place: Place| self.seal.close(&place.to_string());
        let next_page_token = next.map(token).unwrap_or_default();
        Ok(ListPeopleResponse { people, next_page_token })
    }

    /// Where a page with this token begins.
    fn place(&self, token: &str) -> Result<Place, PageMalformed> {
        if token.is_empty() {
            return Ok(Place::default());
        }
        Place::parse(&self.seal.open(token).ok_or_else(page::not_ours)?)
    }

    /// A piece of the ranking of everybody.
    async fn ranking(
        &self,
        filter: &Filter,
        place: &Place,
        size: usize,
    ) -> Result<ListTopScoresResponse, Status> {
        let request = ListTopScoresRequest {
            page_size: i32::try_from(size).unwrap_or(i32::MAX),
            page_token: place.token().to_owned(),
            min_score: filter.min_score(),
            max_score: filter.max_score(),
        };
        let mut scores = ScoreServiceClient::new(self.scoring.clone());
        Ok(scores.list_top_scores(request).await.map_err(to_caller)?.into_inner())
    }

    /// Who of these fits, in their order.
    async fn fitting(&self, filter: &Filter, ranked: Vec<Score>) -> Result<Vec<Score>, Status> {
        let mut fitting = ranked;
        // Also of nobody: a topic that is none is to be refused.
        if let Some(topic) = filter.topic() {
            let topics = self.topics_of(names(&fitting), topic, 0).await?;
            fitting.retain(|it| topics.get(&it.person).is_some_and(|it| it.has_topic));
        }
        if filter.asks_who_they_are() && !fitting.is_empty() {
            let people = people_of(&self.graph, names(&fitting)).await?;
            fitting.retain(|it| people.get(&it.person).is_some_and(|it| filter.fits(it)));
        }
        Ok(fitting)
    }

    /// What the caller is told of those of these who still fit and are there for the caller.
    async fn shown(
        &self,
        caller: &Caller,
        filter: &Filter,
        candidates: &[Score],
    ) -> Result<Vec<ListedPerson>, Status> {
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let graph = self.graph.clone().on_behalf_of(caller);
        let (mut people, mut topics) = futures::try_join!(
            people_of(&graph, names(candidates)),
            self.topics_of(names(candidates), filter.topic().unwrap_or_default(), TOPICS_MAX)
        )?;
        people.retain(|_, person| filter.fits(person));
        if filter.topic().is_some() {
            people.retain(|id, _| topics.get(id).is_some_and(|it| it.has_topic));
        }
        let ids = candidates.iter().map(|it| &it.person).filter(|it| people.contains_key(*it));
        let scores = self.scores_of(caller, ids.cloned().collect()).await?;
        let mut listed: Vec<_> = scores
            .into_iter()
            .filter(|score| filter.has_score(score))
            .filter_map(|score| {
                let person = people.remove(&score.person)?;
                let topics = topics.remove(&score.person).map(|it| it.topics);
                Some(listed(score, person, topics.unwrap_or_default()))
            })
            .collect();
        // Some have been scored since.
        listed.sort_by_key(place::rank_of);
        Ok(listed)
    }

    async fn scores_of(&self, caller: &Caller, people: Vec<String>) -> Result<Vec<Score>, Status> {
        if people.is_empty() {
            return Ok(Vec::new());
        }
        let subject =
            |person| LookupSubject { subject: Some(lookup_subject::Subject::Person(person)) };
        let request =
            BatchLookupScoresRequest { subjects: people.into_iter().map(subject).collect() };
        let mut scores = ScoreServiceClient::new(self.scoring.clone().on_behalf_of(caller))
            .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX);
        let answered = scores.batch_lookup_scores(request).await.map_err(to_caller)?;
        let results = answered.into_inner().results.into_iter();
        let score = |it| match it {
            lookup_result::Result::Score(score) => Some(score),
            lookup_result::Result::Status(_) => None,
        };
        Ok(results.filter_map(|it| it.result.and_then(score)).collect())
    }

    async fn topics_of(
        &self,
        people: Vec<String>,
        topic: &str,
        topics_max: i32,
    ) -> Result<HashMap<String, PersonTopicNames>, Status> {
        let request = BatchGetPersonTopicsRequest { people, topics_max, topic: topic.to_owned() };
        let mut topics = TopicServiceClient::new(self.topics.clone())
            .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX);
        let answered = topics.batch_get_person_topics(request).await.map_err(to_caller)?;
        Ok(answered.into_inner().people.into_iter().map(|it| (it.person.clone(), it)).collect())
    }
}

async fn people_of(link: &Link, people: Vec<String>) -> Result<HashMap<String, Person>, Status> {
    let mut graph = GraphServiceClient::new(link.clone())
        .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX);
    let request = BatchGetPeopleRequest { people };
    let answered = graph.batch_get_people(request).await.map_err(to_caller)?;
    Ok(answered.into_inner().people.into_iter().map(|it| (it.person.clone(), it)).collect())
}

fn names(ranked: &[Score]) -> Vec<String> {
    ranked.iter().map(|it| it.person.clone()).collect()
}

fn listed(score: Score, person: Person, topics: Vec<String>) -> ListedPerson {
    let networks = filter::networks(&person).map(str::to_owned).collect();
    let Person { display_name, country, city, .. } = person;
    ListedPerson { score: Some(score), display_name, country, city, networks, topics }
}
