//! Asks the services what a method of the old API answers, on behalf of whoever called it.

use std::{collections::HashMap, iter};

use futures::future::try_join_all;
use http::StatusCode;
use klout_chassis::{Caller, Link, from_row};
use klout_proto::{
    convert,
    graph::v1::{
        AccountName, BatchGetPeopleRequest, BatchResolvePeopleRequest, GetPersonRequest, Influence,
        ListInfluenceesRequest, ListInfluencersRequest, Person, account_name::Name,
        graph_service_client::GraphServiceClient, resolve_result,
    },
    score::v1::{
        BatchLookupScoresRequest, GetScoreRequest, LookupSubject, Score, get_score_request,
        lookup_result, lookup_subject, score_service_client::ScoreServiceClient,
    },
    topic::v1::{ListPersonTopicsRequest, PersonTopic, topic_service_client::TopicServiceClient},
};
use time::Duration;
use tonic::Code;
use tonic_types::pb;

use super::{
    OldNetworks,
    node::Node,
    reply::{Answer, Refused},
    request::{Format, Method, OldNetwork, USERS_MAX, UserWhat, UsersWhat, Whose},
    v1,
    v2::{self, SHOWN, Side},
};
use crate::call::to_caller;

/// The strongest of those at the other end who are asked for: some have no score.
const CLOSEST: i32 = 20;

/// How long before the score `delta_5day` looks.
const FIVE_DAYS: Duration = Duration::days(5);

/// Whom the old API asks.
#[derive(Clone, Debug)]
pub(super) struct Peers {
    pub(super) scoring: Link,
    pub(super) social_graph: Link,
    pub(super) topics: Link,
}

/// The same for one call.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    scores: ScoreServiceClient<Link>,
    people: GraphServiceClient<Link>,
    topics: TopicServiceClient<Link>,
    networks: &'a OldNetworks,
    /// What the address of a picture begins with.
    base: String,
}

/// Those at the other end of somebody's ties.
#[derive(Debug)]
struct Others {
    /// The strongest first.
    people: Vec<String>,
    count: i64,
}

// === impl Peers ===

impl Peers {
    pub(super) fn for_call<'a>(
        &self,
        caller: &Caller,
        networks: &'a OldNetworks,
        base: String,
    ) -> Ask<'a> {
        let link = |link: &Link| link.clone().on_behalf_of(caller);
        Ask {
            scores: ScoreServiceClient::new(link(&self.scoring)),
            people: GraphServiceClient::new(link(&self.social_graph)),
            topics: TopicServiceClient::new(link(&self.topics)),
            networks,
            base,
        }
    }
}

// === impl Ask ===

impl Ask<'_> {
    pub(super) async fn answer(&self, method: Method, format: Format) -> Result<Answer, Refused> {
        match method {
            Method::Users { what, users } => match self.users(what, &users, format).await {
                // Who was there when asked for, and is not any more.
                Err(Refused::Nobody) => Ok(no_users(users.len().saturating_sub(1), format)),
                answered => answered,
            },
            Method::Identity(whose) => {
                let person = self.person(whose).await?;
                Ok(Answer::json(&v2::Identity::of_person(person)))
            }
            Method::NetworkId { person, network } => {
                let person = self.described(person).await?;
                let on = v2::Identity::on(&person, network, self.networks.of(network));
                on.map(|it| Answer::json(&it)).ok_or(Refused::Nobody)
            }
            Method::User { whose, what } => self.user(whose, what).await,
        }
    }

    async fn user(&self, whose: Whose, what: UserWhat) -> Result<Answer, Refused> {
        match what {
            UserWhat::Score => {
                let score = self.score(whose).await?;
                let answer = v2::ScoreAnswer::of(&score).map(|it| Answer::json(&it));
                answer.ok_or_else(|| without_score(&score))
            }
            UserWhat::User => {
                let person = self.person(whose).await?;
                let asked = (self.score(Whose::Person(person.clone())), self.described(person));
                let (score, person) = futures::try_join!(asked.0, asked.1)?;
                let user = v2::User::of(&score, &person, self.networks.of(OldNetwork::Twitter));
                user.map(|it| Answer::json(&it)).ok_or_else(|| without_score(&score))
            }
            UserWhat::Topics => {
                let topics = self.topics_of(self.person(whose).await?).await?;
                Ok(Answer::json(&v2::topics(&topics, &self.base)))
            }
            UserWhat::Influence => {
                let person = self.person(whose).await?;
                let (by, of) =
                    futures::try_join!(self.influencers(&person), self.influencees(&person))?;
                let scored = self.scored([&by, &of]).await?;
                let named = self.named(scored.iter().flatten()).await?;
                let twitter = self.networks.of(OldNetwork::Twitter);
                let side = |scored: &[Score], count| Side {
                    users: scored
                        .iter()
                        .filter_map(|score| v2::User::of(score, named.get(&score.person)?, twitter))
                        .collect(),
                    count,
                };
                let influencers = side(&scored[0], by.count);
                Ok(Answer::json(&v2::Influence::of(influencers, side(&scored[1], of.count))))
            }
        }
    }

    /// Of version 1: about all users, or about none when one of them is nobody.
    async fn users(
        &self,
        what: UsersWhat,
        users: &[String],
        format: Format,
    ) -> Result<Answer, Refused> {
        if users.len() > USERS_MAX {
            return Err(Refused::Invalid("At most 5 users can be asked about at once."));
        }
        let ok = |node: &Node| Answer::node(StatusCode::OK, node, format);
        if users.is_empty() {
            return Ok(no_users(0, format));
        }
        if matches!(what, UsersWhat::Klout | UsersWhat::Show) {
            let scores = self.scores_of(users).await?;
            let is_there =
                |score: &Option<Score>| score.as_ref().is_some_and(|it| it.state != "UNKNOWN");
            let found = scores.iter().filter(|score| is_there(score)).count();
            if found < users.len() {
                return Ok(no_users(found, format));
            }
            let scores: Vec<Score> = scores.into_iter().flatten().collect();
            let nodes = match what {
                UsersWhat::Show => self.shown(users, &scores).await?,
                UsersWhat::Klout
                | UsersWhat::Topics
                | UsersWhat::InfluencedBy
                | UsersWhat::InfluencerOf => iter::zip(users, &scores)
                    .filter_map(|(name, score)| v1::klout(name, score))
                    .collect(),
            };
            if nodes.len() < users.len() {
                return Ok(Answer::node(StatusCode::ACCEPTED, &v1::queued(nodes), format));
            }
            return Ok(ok(&v1::answered(nodes)));
        }
        let people = self.resolve(users).await?;
        let found = people.iter().flatten().count();
        if found < users.len() {
            return Ok(no_users(found, format));
        }
        let people: Vec<String> = people.into_iter().flatten().collect();
        let nodes = match what {
            UsersWhat::InfluencedBy => self.circles(users, &people, true).await?,
            UsersWhat::InfluencerOf => self.circles(users, &people, false).await?,
            UsersWhat::Topics | UsersWhat::Klout | UsersWhat::Show => {
                let topics = try_join_all(people.into_iter().map(|it| self.topics_of(it))).await?;
                iter::zip(users, &topics).map(|(name, topics)| v1::topics(name, topics)).collect()
            }
        };
        Ok(ok(&v1::answered(nodes)))
    }

    /// `users/show` of those who have a score.
    async fn shown(&self, users: &[String], scores: &[Score]) -> Result<Vec<Node>, Refused> {
        let before = try_join_all(scores.iter().map(|score| self.five_days_before(score)));
        let (before, named) = futures::try_join!(before, self.named(scores))?;
        let twitter = self.networks.of(OldNetwork::Twitter);
        let mut nodes = Vec::with_capacity(users.len());
        for ((name, score), before) in iter::zip(users, scores).zip(before) {
            let person = named.get(&score.person).ok_or(Refused::Nobody)?;
            nodes.extend(v1::show(name, score, before, person, twitter));
        }
        Ok(nodes)
    }

    /// Both methods that begin with `soi`.
    async fn circles(
        &self,
        users: &[String],
        people: &[String],
        influencers: bool,
    ) -> Result<Vec<Node>, Refused> {
        let of = async |person: &String| {
            if influencers {
                self.influencers(person).await
            } else {
                self.influencees(person).await
            }
        };
        let others = try_join_all(people.iter().map(of)).await?;
        let scored = self.scored(&others).await?;
        let named = self.named(scored.iter().flatten()).await?;
        let twitter = self.networks.of(OldNetwork::Twitter);
        let nodes = iter::zip(users, scored).map(|(name, mut scores)| {
            let points = |score: &Score| score.score.unwrap_or_default();
            scores.sort_by(|one, next| points(next).total_cmp(&points(one)));
            let node =
                |score: &Score| v1::klout(&v2::nick(named.get(&score.person)?, twitter), score);
            let nodes = scores.iter().filter_map(node).collect();
            if influencers {
                v1::influenced_by(name, nodes)
            } else {
                v1::influencer_of(name, nodes)
            }
        });
        Ok(nodes.collect())
    }

    /// Who that is.
    async fn person(&self, whose: Whose) -> Result<String, Refused> {
        let accounts = match whose {
            Whose::Person(person) => return Ok(person),
            Whose::ScreenName(name) => self.accounts_called(&name),
            Whose::NetworkId(network, id) => self.accounts_of(network, &id),
        };
        let people = self.resolved([accounts].to_vec()).await?;
        people.into_iter().flatten().next().ok_or(Refused::Nobody)
    }

    /// Who those on Twitter are; `None`: nobody.
    async fn resolve(&self, users: &[String]) -> Result<Vec<Option<String>>, Refused> {
        self.resolved(users.iter().map(|name| self.accounts_called(name)).collect()).await
    }

    /// Who owns the first account of each list that anybody owns, in one call.
    async fn resolved(
        &self,
        candidates: Vec<Vec<AccountName>>,
    ) -> Result<Vec<Option<String>>, Refused> {
        let lengths: Vec<usize> = candidates.iter().map(Vec::len).collect();
        let accounts: Vec<AccountName> = candidates.into_iter().flatten().collect();
        if accounts.is_empty() {
            return Ok(lengths.iter().map(|_| None).collect());
        }
        let request = BatchResolvePeopleRequest { accounts };
        let answered =
            self.people.clone().batch_resolve_people(request).await.map_err(to_caller)?;
        let mut rows = answered.into_inner().results.into_iter();
        let first = |length: usize| {
            let mut first = None;
            for row in rows.by_ref().take(length) {
                match row.result {
                    Some(resolve_result::Result::Person(person)) => first = first.or(Some(person)),
                    Some(resolve_result::Result::Status(status)) => nobody(&status)?,
                    None => return Err(Refused::Broken),
                }
            }
            Ok(first)
        };
        lengths.into_iter().map(first).collect()
    }

    /// What a screen name may mean, the most likely first.
    fn accounts_called(&self, name: &str) -> Vec<AccountName> {
        if name.is_empty() {
            return Vec::new();
        }
        let account = |network: &String| AccountName {
            network: network.clone(),
            name: Some(Name::Handle(name.to_owned())),
        };
        self.networks.of(OldNetwork::Twitter).iter().map(account).collect()
    }

    fn accounts_of(&self, network: OldNetwork, id: &str) -> Vec<AccountName> {
        let account = |network: &String| AccountName {
            network: network.clone(),
            name: Some(Name::NativeId(id.to_owned())),
        };
        self.networks.of(network).iter().map(account).collect()
    }

    async fn score(&self, whose: Whose) -> Result<Score, Refused> {
        let accounts = match whose {
            Whose::Person(person) => {
                let subject = Some(get_score_request::Subject::Person(person));
                let request = GetScoreRequest { subject, ..GetScoreRequest::default() };
                let answered = self.scores.clone().get_score(request).await.map_err(to_caller)?;
                return answered.into_inner().score.ok_or(Refused::Broken);
            }
            Whose::ScreenName(name) => self.accounts_called(&name),
            Whose::NetworkId(network, id) => self.accounts_of(network, &id),
        };
        let scores = self.looked_up(vec![accounts]).await?;
        scores.into_iter().flatten().next().ok_or(Refused::Nobody)
    }

    async fn scores_of(&self, users: &[String]) -> Result<Vec<Option<Score>>, Refused> {
        self.looked_up(users.iter().map(|name| self.accounts_called(name)).collect()).await
    }

    /// The score of whoever owns the first account of each list that anybody owns, in one call.
    async fn looked_up(
        &self,
        candidates: Vec<Vec<AccountName>>,
    ) -> Result<Vec<Option<Score>>, Refused> {
        let lengths: Vec<usize> = candidates.iter().map(Vec::len).collect();
        let accounts = candidates.into_iter().flatten();
        let subjects = accounts.map(lookup_subject::Subject::Account).collect();
        let mut rows = self.batch(subjects).await?.into_iter();
        let first = |length: usize| rows.by_ref().take(length).fold(None, Option::or);
        Ok(lengths.into_iter().map(first).collect())
    }

    /// `None`: nobody.
    async fn batch(
        &self,
        subjects: Vec<lookup_subject::Subject>,
    ) -> Result<Vec<Option<Score>>, Refused> {
        if subjects.is_empty() {
            return Ok(Vec::new());
        }
        let subject = |it| LookupSubject { subject: Some(it) };
        let subjects = subjects.into_iter().map(subject).collect();
        let request = BatchLookupScoresRequest { subjects };
        let answered = self.scores.clone().batch_lookup_scores(request).await.map_err(to_caller)?;
        let row = |row: klout_proto::score::v1::LookupResult| match row.result {
            Some(lookup_result::Result::Score(score)) => Ok(Some(score)),
            Some(lookup_result::Result::Status(status)) => nobody(&status).map(|()| None),
            None => Err(Refused::Broken),
        };
        answered.into_inner().results.into_iter().map(row).collect()
    }

    /// The score that there was five days before; `None`: none yet.
    async fn five_days_before(&self, score: &Score) -> Result<Option<f64>, Refused> {
        let Some(time) = score.score_time.as_ref().and_then(convert::time) else { return Ok(None) };
        let request = GetScoreRequest {
            subject: Some(get_score_request::Subject::Person(score.person.clone())),
            at_time: Some(convert::timestamp(time - FIVE_DAYS)),
            ..GetScoreRequest::default()
        };
        match self.scores.clone().get_score(request).await {
            Ok(answered) => Ok(answered.into_inner().score.and_then(|it| it.score)),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(to_caller(status).into()),
        }
    }

    async fn described(&self, person: String) -> Result<Person, Refused> {
        let request = GetPersonRequest { person };
        let answered = self.people.clone().get_person(request).await.map_err(to_caller)?;
        answered.into_inner().person.ok_or(Refused::Broken)
    }

    /// Whoever has left since is not among them.
    async fn named<'s>(
        &self,
        scores: impl IntoIterator<Item = &'s Score>,
    ) -> Result<HashMap<String, Person>, Refused> {
        let mut people: Vec<String> = scores.into_iter().map(|it| it.person.clone()).collect();
        people.sort_unstable();
        people.dedup();
        if people.is_empty() {
            return Ok(HashMap::new());
        }
        let request = BatchGetPeopleRequest { people };
        let answered = self.people.clone().batch_get_people(request).await.map_err(to_caller)?;
        let people = answered.into_inner().people.into_iter();
        Ok(people.map(|it| (it.person.clone(), it)).collect())
    }

    async fn topics_of(&self, person: String) -> Result<Vec<PersonTopic>, Refused> {
        let page_size = i32::try_from(SHOWN).unwrap_or(i32::MAX);
        let request = ListPersonTopicsRequest { person, page_size, ..Default::default() };
        let answered = self.topics.clone().list_person_topics(request).await.map_err(to_caller)?;
        Ok(answered.into_inner().topics)
    }

    async fn influencers(&self, person: &str) -> Result<Others, Refused> {
        let person = person.to_owned();
        let request = ListInfluencersRequest {
            person,
            page_size: CLOSEST,
            with_total_size: true,
            ..Default::default()
        };
        let answered = self.people.clone().list_influencers(request).await.map_err(to_caller)?;
        let answered = answered.into_inner();
        Ok(Others::of(answered.influencers, answered.total_size))
    }

    async fn influencees(&self, person: &str) -> Result<Others, Refused> {
        let person = person.to_owned();
        let request = ListInfluenceesRequest {
            person,
            page_size: CLOSEST,
            with_total_size: true,
            ..Default::default()
        };
        let answered = self.people.clone().list_influencees(request).await.map_err(to_caller)?;
        let answered = answered.into_inner();
        Ok(Others::of(answered.influencees, answered.total_size))
    }

    /// Of each list the strongest who have a score, in one call.
    async fn scored<'o>(
        &self,
        others: impl IntoIterator<Item = &'o Others> + Clone,
    ) -> Result<Vec<Vec<Score>>, Refused> {
        let mut people: Vec<&String> =
            others.clone().into_iter().flat_map(|it| &it.people).collect();
        people.sort_unstable();
        people.dedup();
        let subjects = people.iter().map(|it| lookup_subject::Subject::Person((*it).clone()));
        let scores = self.batch(subjects.collect()).await?;
        let scores: HashMap<&String, Score> = iter::zip(people, scores)
            .filter_map(|(person, score)| Some((person, score?)))
            .filter(|(_, score)| v2::known(score).is_some())
            .collect();
        let of = |others: &Others| {
            let scores = others.people.iter().filter_map(|it| scores.get(it).cloned());
            scores.take(SHOWN).collect()
        };
        Ok(others.into_iter().map(of).collect())
    }
}

// === impl Others ===

impl Others {
    fn of(listed: Vec<Influence>, count: Option<i64>) -> Self {
        let people = listed.into_iter().map(|it| it.person).collect();
        Self { people, count: count.unwrap_or_default() }
    }
}

/// That a row is about nobody; anything else that is wrong with it is no answer about anybody.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is left is our fault")]
fn nobody(row: &pb::Status) -> Result<(), Refused> {
    match Code::from_i32(row.code) {
        Code::NotFound | Code::FailedPrecondition | Code::InvalidArgument => Ok(()),
        _ => Err(to_caller(from_row(row)).into()),
    }
}

/// What version 1 says when anybody of its users is nobody, however many others were found.
fn no_users(found: usize, format: Format) -> Answer {
    // Of several users one was enough for the status to say so.
    let status = if found == 0 { StatusCode::OK } else { StatusCode::NOT_FOUND };
    Answer::node(status, &v1::no_users(status.as_u16()), format)
}

/// Of somebody who is there.
fn without_score(score: &Score) -> Refused {
    if score.state == "PENDING" { Refused::Queued } else { Refused::Nobody }
}
