//! What is known of somebody when it is decided what they can have.
//!
//! Everything is asked at once and kept nowhere. Who does not consent to perks is nobody, whoever asks, as is who is no
//! member. What networks say whose terms forbid rewards is left out: of who has an account there the score is
//! told as it would be without that network, and numbers that cannot be taken apart are not known.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use klout_chassis::{Clock, Link, from_row, reason, within};
use klout_model::{self as model, Network, PersonId, Purpose};
use klout_perk_rules::Facts;
use klout_proto::{
    convert,
    graph::v1::{
        self as graph, AccountName, BatchCountPlusKRequest, BatchGetPeopleRequest,
        BatchIdentifyPeopleRequest, Contacts, GetPersonRequest, ListPerkMembersRequest,
        ResolvePersonRequest, account_name, graph_service_client::GraphServiceClient,
        identify_result, plus_k_service_client::PlusKServiceClient,
    },
    perk::v1 as wire,
    score::v1::{
        BatchLookupScoresRequest, Contribution, ExplainScoreRequest, LookupSubject, Score,
        explain_score_request, lookup_result, lookup_subject,
        score_service_client::ScoreServiceClient,
    },
    topic::v1::{
        BatchGetPersonTopicsRequest, ListPersonTopicsRequest, PersonTopic,
        topic_service_client::TopicServiceClient,
    },
};
use time::OffsetDateTime;
use tonic::{Response, Status};
use tracing::instrument;

use crate::{error::Error, together::Together};

/// How long each of the others may take for one answer. Who has less time says so by a deadline around all.
const PEER_TIME_MAX: Duration = Duration::from_secs(2);

/// How long they may take for answers about many, for whom nobody waits.
const PEER_TIME_MAX_OF_MANY: Duration = Duration::from_secs(30);

/// Topics of one person.
const TOPICS_MAX: i32 = 20;

/// Of how long ago +K counts.
const PLUS_K_TIME: time::Duration = time::Duration::days(90);

/// People about whom many are asked at once: as many as the others answer.
pub(crate) const PEOPLE_MAX: usize = 1_000;

/// Of many, how many whose score is taken apart are asked about at once.
const EXPLAINED_AT_ONCE: usize = 4;

/// The lowest score that there is.
const SCORE_MIN: f64 = 1.0;

/// Somebody, and what is known of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Person {
    pub(crate) id: PersonId,
    pub(crate) facts: Known,
}

/// What rules see, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    pub(crate) rules: Facts,
    /// The model of the score.
    pub(crate) model: String,
    pub(crate) epoch: u64,
    pub(crate) score_time: Option<OffsetDateTime>,
    /// On which the person has accounts, and which say nothing here.
    pub(crate) left_out_networks: Vec<Network>,
    /// Whether scoring would have told a newer score.
    pub(crate) stale: bool,
}

/// What the other services say of somebody.
#[derive(Clone, Debug)]
struct Said {
    id: PersonId,
    member: graph::Person,
    /// `None`: there is none, as for a member of whom scoring has not heard.
    score: Option<Score>,
    /// Slugs.
    topics: Vec<String>,
    plus_k: u32,
}

/// By what somebody is named.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    Person(PersonId),
    Account(AccountName),
    /// As a desk knows a guest.
    Guest {
        accounts: Vec<AccountName>,
        contacts: Contacts,
        min_likelihood: f64,
    },
}

/// Asks the others. Clones share what they use.
#[derive(Clone, Debug)]
pub(crate) struct FactsGatherer {
    graph: GraphServiceClient<Link>,
    plus_k: PlusKServiceClient<Link>,
    scores: ScoreServiceClient<Link>,
    topics: TopicServiceClient<Link>,
    without_rewards: Arc<BTreeSet<Network>>,
    together: Together<PersonId, Said>,
}

// === impl Known ===

impl From<&Known> for wire::Facts {
    fn from(known: &Known) -> Self {
        let Known { rules, model, epoch, score_time, left_out_networks, stale: _ } = known;
        Self {
            score: rules.score,
            percentile: rules.percentile,
            confidence: rules.confidence,
            true_reach: rules.true_reach,
            amplification: rules.amplification,
            network_impact: rules.network_impact,
            topics: rules.topics.clone(),
            country: rules.country.clone().unwrap_or_default(),
            city: rules.city.clone().unwrap_or_default(),
            languages: rules.languages.clone(),
            networks: rules.networks.clone(),
            member_since_time: rules.member_since.map(convert::timestamp),
            plus_k: rules.plus_k.into(),
            model: model.clone(),
            epoch: *epoch,
            score_time: score_time.map(convert::timestamp),
            left_out_networks: left_out_networks.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<wire::Facts> for Known {
    /// What was written down by this service: what cannot be there is taken for not known.
    fn from(facts: wire::Facts) -> Self {
        let told = |text: String| Some(text).filter(|text| !text.is_empty());
        let networks = facts.left_out_networks.iter();
        Self {
            rules: Facts {
                score: facts.score,
                percentile: facts.percentile,
                confidence: facts.confidence,
                true_reach: facts.true_reach,
                amplification: facts.amplification,
                network_impact: facts.network_impact,
                topics: facts.topics,
                country: told(facts.country),
                city: told(facts.city),
                languages: facts.languages,
                networks: facts.networks,
                member_since: facts.member_since_time.as_ref().and_then(convert::time),
                plus_k: u32::try_from(facts.plus_k).unwrap_or(0),
            },
            model: facts.model,
            epoch: facts.epoch,
            score_time: facts.score_time.as_ref().and_then(convert::time),
            left_out_networks: networks.filter_map(|it| it.parse().ok()).collect(),
            stale: false,
        }
    }
}

// === impl FactsGatherer ===

impl FactsGatherer {
    /// `without_rewards`: networks whose terms forbid rewards.
    pub(crate) fn new(
        graph: Link,
        scoring: Link,
        topics: Link,
        without_rewards: impl IntoIterator<Item = Network>,
    ) -> Self {
        Self {
            graph: GraphServiceClient::new(graph.clone())
                .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX),
            plus_k: PlusKServiceClient::new(graph),
            scores: ScoreServiceClient::new(scoring)
                .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX),
            topics: TopicServiceClient::new(topics)
                .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX),
            without_rewards: Arc::new(without_rewards.into_iter().collect()),
            together: Together::default(),
        }
    }

    /// Waits for what is under way.
    pub(crate) async fn end(&self) {
        self.together.end().await;
    }

    /// Who that is and what is known of them; PERSON_UNKNOWN for nobody, whoever left, and who does not consent to
    /// perks: all of them alike.
    #[instrument(name = "gather_facts", skip_all)]
    pub(crate) async fn gather(&self, named: &Named) -> Result<Person, Error> {
        // All calls at once are large; whoever waits for them is not to be.
        Box::pin(self.gather_at_once(named)).await
    }

    async fn gather_at_once(&self, named: &Named) -> Result<Person, Error> {
        let (person, by_contact) = self.resolve(named).await?;
        let said = match self.said(person).await? {
            Some(said) => said,
            // Whoever was merged is somebody else, of whom more is known.
            None => match self.person(person).await? {
                Some(now) if now != person => self.said(now).await?.ok_or(Error::PersonUnknown)?,
                Some(_) | None => return Err(Error::PersonUnknown),
            },
        };
        if !(by_contact || is_found_by(&said.member, named)) {
            return Err(Error::PersonUnknown);
        }
        let person = self.taken_apart(said).await?;
        // What cannot be is worth less than what was known.
        if !is_sane(&person.facts) {
            return Err(Error::Slow);
        }
        Ok(person)
    }

    /// What the others say of somebody. `None`: nobody who consents to perks has this id, or somebody has another one by
    /// now.
    async fn said(&self, person: PersonId) -> Result<Option<Said>, Error> {
        let gatherer = self.clone();
        let ask = move |people: Vec<PersonId>| {
            let gatherer = gatherer.clone();
            async move {
                let said = Box::pin(gatherer.said_of(&people, PEER_TIME_MAX)).await?;
                Ok(said.into_iter().map(|it| (it.id, it)).collect())
            }
        };
        self.together.ask(person, ask).await
    }

    /// The same of many people, by their ids, for whom nobody waits. Nobodies are left out. At most [`PEOPLE_MAX`].
    #[instrument(name = "gather_facts_of_many", skip_all, fields(people.len = people.len()))]
    pub(crate) async fn gather_many(&self, people: &[PersonId]) -> Result<Vec<Person>, Error> {
        Box::pin(self.gather_many_at_once(people)).await
    }

    async fn gather_many_at_once(&self, people: &[PersonId]) -> Result<Vec<Person>, Error> {
        let said = Box::pin(self.said_of(people, PEER_TIME_MAX_OF_MANY)).await?;
        stream::iter(said)
            .map(|said| self.taken_apart(said))
            .buffer_unordered(EXPLAINED_AT_ONCE)
            .try_collect()
            .await
    }

    /// What the others say of people, by the ids that these have now, if they consent to perks.
    async fn said_of(&self, people: &[PersonId], time_max: Duration) -> Result<Vec<Said>, Error> {
        let (members, mut scores, mut topics, plus_k) = tokio::try_join!(
            self.members(people, time_max),
            self.scores(people, time_max),
            self.topics_of_many(people, time_max),
            self.plus_k(people, time_max),
        )?;
        let said = |(id, member)| Said {
            id,
            member,
            score: scores.remove(&id),
            topics: topics.remove(&id).unwrap_or_default(),
            plus_k: plus_k.get(&id).copied().unwrap_or_default(),
        };
        Ok(members.into_iter().map(said).collect())
    }

    /// What rules see of it: without what networks say whose terms forbid rewards.
    async fn taken_apart(&self, said: Said) -> Result<Person, Error> {
        let Said { id, member, score, topics, plus_k } = said;
        let left_out = self.left_out(&member);
        let (score, topics) = if left_out.is_empty() {
            (score.map(Told::whole), topics)
        } else {
            let (score, topics) =
                tokio::try_join!(self.score_without(id, &left_out), self.topics(id))?;
            (score, topics_of(&topics, &left_out))
        };
        Ok(Person { id, facts: known(&member, score, topics, plus_k, left_out) })
    }

    /// Under which id somebody is a member, and consents to perks where that is asked for.
    pub(crate) async fn member(&self, person: PersonId, consents: bool) -> Result<PersonId, Error> {
        let mut graph = self.graph.clone();
        let request = GetPersonRequest { person: person.to_string() };
        let member = match ask(PEER_TIME_MAX, graph.get_person(request)).await {
            Ok(response) => response.person,
            Err(status) if is_nobody(&status) => None,
            Err(status) => return Err(Error::Peer(status)),
        };
        let member = member.ok_or(Error::PersonUnknown)?;
        let now = member.person.parse().map_err(|_| Error::PersonUnknown)?;
        if consents && consenting(member).is_none() {
            return Err(Error::PersonUnknown);
        }
        Ok(now)
    }

    /// Members who consent to perks, by their ids, after one of them (0: from the first), at most so many.
    pub(crate) async fn list_members(
        &self,
        after: i64,
        max: usize,
    ) -> Result<Vec<PersonId>, Error> {
        let mut graph = self.graph.clone();
        let request = ListPerkMembersRequest {
            page_size: i32::try_from(max).unwrap_or(i32::MAX),
            after_person_id: after,
        };
        let answered = ask(PEER_TIME_MAX_OF_MANY, graph.list_perk_members(request)).await;
        let members = answered.map_err(Error::Peer)?.person_ids;
        Ok(members.into_iter().filter_map(PersonId::new).collect())
    }

    /// Who is named, whether they consent or not; and whether anything but an account says so. Also whom nothing but a
    /// hash names, as a desk that knows its guests so: nobody outside is told who that is.
    async fn resolve(&self, named: &Named) -> Result<(PersonId, bool), Error> {
        let request = match named {
            Named::Person(person) => return Ok((*person, true)),
            Named::Account(account) => {
                ResolvePersonRequest { account: Some(account.clone()), ..Default::default() }
            }
            Named::Guest { accounts, contacts, min_likelihood } => ResolvePersonRequest {
                accounts: accounts.clone(),
                contacts: Some(contacts.clone()),
                min_likelihood: Some(*min_likelihood),
                ..Default::default()
            },
        };
        let mut graph = self.graph.clone();
        let request = BatchIdentifyPeopleRequest { customers: vec![request], ..Default::default() };
        let answered = ask(PEER_TIME_MAX, graph.batch_identify_people(request)).await;
        let row = answered.map_err(Error::Peer)?.results.into_iter().next();
        let found = match row.and_then(|row| row.result) {
            Some(identify_result::Result::Person(found)) => Ok(found),
            Some(identify_result::Result::Status(status)) => Err(from_row(&status)),
            None => return Err(Error::Slow),
        };
        // Whom nobody knows by that is no other nobody than who is known and does not consent.
        let found = found.map_err(|status| match is_nobody(&status) {
            true => Error::PersonUnknown,
            false => Error::resolving(status),
        })?;
        let person = PersonId::new(found.person_id).ok_or(Error::PersonUnknown)?;
        let by_contact = found.matched_on.iter().any(|it| it != "native_id" && it != "handle");
        Ok((person, by_contact))
    }

    /// Under which id somebody is a member now; `None`: nobody who consents to perks.
    async fn person(&self, person: PersonId) -> Result<Option<PersonId>, Error> {
        match self.member(person, true).await {
            Ok(now) => Ok(Some(now)),
            Err(Error::PersonUnknown) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn members(
        &self,
        people: &[PersonId],
        time_max: Duration,
    ) -> Result<Vec<(PersonId, graph::Person)>, Error> {
        let mut graph = self.graph.clone();
        let request = BatchGetPeopleRequest { people: texts(people) };
        let answered = ask(time_max, graph.batch_get_people(request)).await;
        let members = answered.map_err(Error::Peer)?.people;
        Ok(members.into_iter().filter_map(consenting).collect())
    }

    async fn scores(
        &self,
        people: &[PersonId],
        time_max: Duration,
    ) -> Result<HashMap<PersonId, Score>, Error> {
        let subject = |person: &PersonId| LookupSubject {
            subject: Some(lookup_subject::Subject::Person(person.to_string())),
        };
        let request = BatchLookupScoresRequest { subjects: people.iter().map(subject).collect() };
        let mut scores = self.scores.clone();
        let answered = ask(time_max, scores.batch_lookup_scores(request)).await;
        let results = answered.map_err(Error::Peer)?.results;
        let mut told = HashMap::new();
        for (person, row) in people.iter().zip(results) {
            match row.result {
                Some(lookup_result::Result::Score(score)) => {
                    told.insert(*person, score);
                }
                // That nobody could say is not that there is none.
                Some(lookup_result::Result::Status(status)) => {
                    let status = from_row(&status);
                    if !is_nobody(&status) {
                        return Err(Error::Peer(status));
                    }
                }
                None => return Err(Error::Slow),
            }
        }
        Ok(told)
    }

    /// The score as it would be without these networks.
    async fn score_without(
        &self,
        person: PersonId,
        left_out: &[Network],
    ) -> Result<Option<Told>, Error> {
        let subject = explain_score_request::Subject::Person(person.to_string());
        let request = ExplainScoreRequest { subject: Some(subject), since_time: None };
        let mut scores = self.scores.clone();
        let explanation = match ask(PEER_TIME_MAX, scores.explain_score(request)).await {
            Ok(response) => response.explanation,
            Err(status) if is_nobody(&status) || says(&status, "SCORE_UNKNOWN") => None,
            Err(status) => return Err(Error::Peer(status)),
        };
        let Some(explanation) = explanation else { return Ok(None) };
        let taken: Vec<&Contribution> = explanation
            .networks
            .iter()
            .filter(|it| left_out.iter().any(|network| network.as_str() == it.name))
            .collect();
        // What the score would lose without several of them together nobody says: more than without each of them, and
        // not more than all their points.
        let lost = match taken[..] {
            [one] => one.without,
            [] | [..] => taken.iter().map(|it| it.points).sum(),
        };
        Ok(explanation.score.map(|score| Told::without(score, lost)))
    }

    async fn topics(&self, person: PersonId) -> Result<Vec<PersonTopic>, Error> {
        let request = ListPersonTopicsRequest {
            person: person.to_string(),
            page_size: TOPICS_MAX,
            ..Default::default()
        };
        let mut topics = self.topics.clone();
        match ask(PEER_TIME_MAX, topics.list_person_topics(request)).await {
            Ok(response) => Ok(response.topics),
            Err(status) if is_nobody(&status) => Ok(Vec::new()),
            Err(status) => Err(Error::Peer(status)),
        }
    }

    async fn topics_of_many(
        &self,
        people: &[PersonId],
        time_max: Duration,
    ) -> Result<HashMap<PersonId, Vec<String>>, Error> {
        let request = BatchGetPersonTopicsRequest {
            people: texts(people),
            topics_max: TOPICS_MAX,
            topic: String::new(),
        };
        let mut topics = self.topics.clone();
        let answered = ask(time_max, topics.batch_get_person_topics(request)).await;
        let people = answered.map_err(Error::Peer)?.people;
        Ok(people.into_iter().filter_map(|it| Some((it.person.parse().ok()?, it.topics))).collect())
    }

    async fn plus_k(
        &self,
        people: &[PersonId],
        time_max: Duration,
    ) -> Result<HashMap<PersonId, u32>, Error> {
        let since = Clock::running().now() - PLUS_K_TIME;
        let request = BatchCountPlusKRequest {
            people: texts(people),
            start_time: Some(convert::timestamp(since)),
        };
        let mut plus_k = self.plus_k.clone();
        let answered = ask(time_max, plus_k.batch_count_plus_k(request)).await;
        let counts = answered.map_err(Error::Peer)?.counts;
        Ok(people.iter().copied().zip(counts).collect())
    }

    /// The networks of somebody's accounts that say nothing here, sorted.
    fn left_out(&self, member: &graph::Person) -> Vec<Network> {
        let networks = member.accounts.iter().filter_map(|it| it.network.parse().ok());
        let left_out: BTreeSet<Network> =
            networks.filter(|it| self.without_rewards.contains(it)).collect();
        left_out.into_iter().collect()
    }
}

/// A score as rules see it.
#[derive(Clone, Debug)]
struct Told {
    score: Score,
    whole: bool,
}

impl Told {
    const fn whole(score: Score) -> Self {
        Self { score, whole: true }
    }

    fn without(mut score: Score, lost: f64) -> Self {
        score.score = score.score.map(|score| (score - lost).max(SCORE_MIN));
        Self { score, whole: false }
    }
}

fn known(
    member: &graph::Person,
    score: Option<Told>,
    topics: Vec<String>,
    plus_k: u32,
    left_out_networks: Vec<Network>,
) -> Known {
    let told = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let networks: BTreeSet<&String> = member
        .accounts
        .iter()
        .map(|it| &it.network)
        .filter(|it| !member.withheld_networks.contains(it))
        .filter(|it| !left_out_networks.iter().any(|left_out| left_out.as_str() == it.as_str()))
        .collect();
    let mut known = Known {
        rules: Facts {
            topics,
            country: told(&member.country),
            city: told(&member.city),
            languages: member.languages.clone(),
            networks: networks.into_iter().cloned().collect(),
            member_since: member.create_time.as_ref().and_then(convert::time),
            plus_k,
            ..Facts::default()
        },
        left_out_networks,
        ..Known::default()
    };
    let Some(Told { score, whole }) = score else { return known };
    known.model = score.model.clone();
    known.epoch = score.epoch;
    known.score_time = score.score_time.as_ref().and_then(convert::time);
    if score.known() {
        known.rules.score = score.score;
    }
    // They rest on everything, and cannot be taken apart.
    if score.known() && whole {
        known.rules.percentile = score.percentile;
        known.rules.confidence = score.confidence;
        known.rules.true_reach = score.true_reach;
        known.rules.amplification = score.amplification;
        known.rules.network_impact = score.network_impact;
    }
    known
}

/// Whether it can be what scoring knows of somebody.
fn is_sane(known: &Known) -> bool {
    known.rules.score.is_none_or(|score| model::Score::new(score).is_some())
}

/// The slugs of topics that are declared, or for which not all the evidence is left out.
fn topics_of(topics: &[PersonTopic], left_out: &[Network]) -> Vec<String> {
    let is_left_out = |it: &String| left_out.iter().any(|network| network.as_str() == it);
    let counts = |it: &&PersonTopic| {
        it.states.iter().any(|state| state == "declared")
            || it.networks.is_empty()
            || !it.networks.iter().all(is_left_out)
    };
    let slug = |it: &PersonTopic| it.topic.as_ref().map(|topic| topic.slug.clone());
    topics.iter().filter(counts).filter_map(slug).collect()
}

/// Whether an account leads to somebody: not one of a network that they withhold.
fn is_found_by(member: &graph::Person, named: &Named) -> bool {
    let names = match named {
        Named::Person(_) => return true,
        Named::Account(account) => std::slice::from_ref(account),
        Named::Guest { accounts, .. } => accounts,
    };
    let leads = |account: &graph::LinkedAccount, by: &AccountName| {
        account.network == by.network
            && match &by.name {
                Some(account_name::Name::NativeId(id)) => *id == account.native_id,
                Some(account_name::Name::Handle(handle)) => *handle == account.handle,
                None => false,
            }
    };
    let accounts = member.accounts.iter();
    accounts
        .filter(|it| !member.withheld_networks.contains(&it.network))
        .any(|account| names.iter().any(|by| leads(account, by)))
}

/// Whoever consents to perks, by the id that they have now.
fn consenting(member: graph::Person) -> Option<(PersonId, graph::Person)> {
    if member.withheld_purposes.iter().any(|it| it == Purpose::Perks.as_str()) {
        return None;
    }
    Some((member.person.parse().ok()?, member))
}

fn texts(people: &[PersonId]) -> Vec<String> {
    people.iter().map(ToString::to_string).collect()
}

fn is_nobody(status: &Status) -> bool {
    says(status, "PERSON_UNKNOWN")
}

fn says(status: &Status, what: &str) -> bool {
    reason(status).as_deref() == Some(what)
}

async fn ask<T>(
    time_max: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Status> {
    within(time_max, call).await?.map(Response::into_inner)
}
