//! Members who are known for what a test says, and perks that asks about them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use klout_chassis::{Host, Link, Refusal, Running, to_row};
use klout_perks::Perks;
use klout_proto::{
    convert::timestamp,
    graph::v1::{
        self as graph, ApplyPersonStatesRequest, LinkedAccount, PersonState,
        account_name::Name,
        graph_service_server::{GraphService, GraphServiceServer},
        plus_k_service_server::{PlusKService, PlusKServiceServer},
    },
    perk::v1::{
        ActivateCampaignRequest, Benefit, CampaignSpec, ConfirmGrantRequest, CreateCampaignRequest,
        EvaluatePerksRequest, EvaluatePerksResponse, Evaluation, Grant, ListGrantsRequest,
        ListGrantsResponse, ReserveGrantRequest, ReserveGrantResponse, Rule,
        evaluate_perks_request, perk_service_client::PerkServiceClient,
        person_data_service_client::PersonDataServiceClient, reserve_grant_request,
    },
    score::v1::{
        self as score, Contribution, Explanation, Score, explain_score_request, get_score_request,
        lookup_result, lookup_subject,
        score_service_server::{ScoreService, ScoreServiceServer},
    },
    topic::v1::{
        self as topic, PersonTopic, PersonTopicNames, Topic,
        topic_service_server::{TopicService, TopicServiceServer},
    },
};
use klout_testkit::{Peer, Stores, link, start};
use sqlx::PgPool;
use time::macros::datetime;
use tonic::{Code, Request, Response, Status, service::Routes};

/// Perks on one Postgres, and peers that know who lives here.
pub(crate) struct Town {
    pub(crate) db: PgPool,
    pub(crate) stores: Stores,
    pub(crate) folk: Folk,
    pub(crate) running: Running,
    peer: Peer,
}

/// Who lives here, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Folk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    members: BTreeMap<i64, Member>,
    /// Who was merged, and into whom.
    merged: BTreeMap<i64, i64>,
    scoring_is_down: bool,
}

/// What is known of somebody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Member {
    pub(crate) score: Option<f64>,
    /// Points by network.
    pub(crate) points: Vec<(&'static str, f64)>,
    /// Slugs, with the networks that say so.
    pub(crate) topics: Vec<(&'static str, Vec<&'static str>)>,
    pub(crate) networks: Vec<&'static str>,
    pub(crate) country: &'static str,
    pub(crate) city: &'static str,
    pub(crate) plus_k: u32,
    pub(crate) withheld: Vec<&'static str>,
}

impl Town {
    pub(crate) async fn start() -> Self {
        let folk = Folk::default();
        let stores = Stores::fresh().await;
        let peer = Peer::serve(folk.routes()).await;
        let running = process(&stores, &peer).await;
        Self { db: stores.db().await, stores, folk, running, peer }
    }

    /// Another process on the same stores.
    pub(crate) async fn beside(&self) -> Running {
        process(&self.stores, &self.peer).await
    }

    pub(crate) fn client(&self) -> PerkServiceClient<Link> {
        PerkServiceClient::new(link(&self.running))
    }

    pub(crate) fn person_data(&self) -> PersonDataServiceClient<Link> {
        PersonDataServiceClient::new(link(&self.running))
    }

    /// An active campaign.
    pub(crate) async fn offers(&self, spec: CampaignSpec) -> String {
        let request = CreateCampaignRequest { spec: Some(spec), request_id: String::new() };
        let made = self.client().create_campaign(request).await.expect("made").into_inner();
        let campaign = made.campaign.expect("always there").campaign;
        let request = ActivateCampaignRequest { campaign: campaign.clone() };
        self.client().activate_campaign(request).await.expect("active");
        campaign
    }

    pub(crate) async fn evaluate(&self, person: i64) -> Result<EvaluatePerksResponse, Status> {
        self.ask(EvaluatePerksRequest {
            subject: Some(evaluate_perks_request::Subject::Person(person.to_string())),
            ..EvaluatePerksRequest::default()
        })
        .await
    }

    pub(crate) async fn ask(
        &self,
        request: EvaluatePerksRequest,
    ) -> Result<EvaluatePerksResponse, Status> {
        Ok(self.client().evaluate_perks(request).await?.into_inner())
    }

    /// What the only campaign says.
    pub(crate) async fn says(&self, person: i64) -> Evaluation {
        let said = self.evaluate(person).await.expect("evaluated");
        let [evaluation] = said.evaluations.try_into().expect("one campaign");
        evaluation
    }

    pub(crate) async fn reserve(
        &self,
        campaign: &str,
        person: i64,
    ) -> Result<ReserveGrantResponse, Status> {
        let request = ReserveGrantRequest {
            campaign: campaign.to_owned(),
            subject: Some(reserve_grant_request::Subject::Person(person.to_string())),
            request_id: format!("{person} {campaign}"),
            ..ReserveGrantRequest::default()
        };
        Ok(self.client().reserve_grant(request).await?.into_inner())
    }

    /// Somebody who has it.
    pub(crate) async fn give(&self, campaign: &str, person: i64) -> Grant {
        let reserved = self.reserve(campaign, person).await.expect("decided");
        let grant = reserved.grant.expect("given").grant;
        let request = ConfirmGrantRequest { campaign: campaign.to_owned(), grant };
        let given = self.client().confirm_grant(request).await.expect("confirmed").into_inner();
        given.grant.expect("always there")
    }

    pub(crate) async fn grants(
        &self,
        request: ListGrantsRequest,
    ) -> Result<ListGrantsResponse, Status> {
        Ok(self.client().list_grants(request).await?.into_inner())
    }

    pub(crate) async fn grants_of(&self, person: i64) -> Vec<Grant> {
        let request = ListGrantsRequest { person: person.to_string(), ..Default::default() };
        self.grants(request).await.expect("listed").grants
    }

    /// As social-graph tells it; `into`: 0 for nobody.
    pub(crate) async fn tell(&self, number: u64, person_id: i64, state: &str, into: i64) {
        let state = PersonState {
            person_id,
            number,
            state: state.to_owned(),
            into_person_id: into,
            ..PersonState::default()
        };
        let request = ApplyPersonStatesRequest { states: vec![state] };
        self.person_data().apply_person_states(request).await.expect("taken over");
    }
}

async fn process(stores: &Stores, peer: &Peer) -> Running {
    let links = ["links.social_graph", "links.scoring", "links.topics"];
    let flags = links.map(|it| (it, peer.address()));
    start(Host::new("test").with::<Perks>(), stores, &flags).await
}

/// An offer to whom this holds for.
pub(crate) fn offer(expression: &str) -> CampaignSpec {
    CampaignSpec {
        brand: "Palms".to_owned(),
        title: "The lounge".to_owned(),
        benefit: Some(Benefit {
            kind: "ACCESS".to_owned(),
            description: "Come in".to_owned(),
            ..Benefit::default()
        }),
        rules: vec![Rule { rule: "klout".to_owned(), expression: expression.to_owned() }],
        disclosure: "The Palms pays for it.".to_owned(),
        ..CampaignSpec::default()
    }
}

/// Somebody with a score.
pub(crate) fn with_score(score: f64) -> Member {
    Member { score: Some(score), networks: vec!["bluesky"], ..Member::default() }
}

/// The code and the reason.
pub(crate) fn told(status: &Status) -> (Code, String) {
    (status.code(), klout_chassis::reason(status).unwrap_or_default())
}

fn unknown() -> Status {
    Refusal::new(Code::NotFound, "PERSON_UNKNOWN").into_plain_status("nobody")
}

fn down() -> Status {
    Refusal::new(Code::Unavailable, "STORE_UNAVAILABLE").into_plain_status("away")
}

// === impl Folk ===

impl Folk {
    pub(crate) fn add(&self, person: i64, member: Member) {
        self.lock().members.insert(person, member);
    }

    pub(crate) fn remove(&self, person: i64) {
        self.lock().members.remove(&person);
    }

    pub(crate) fn merge(&self, from: i64, into: i64) {
        let mut folk = self.lock();
        folk.members.remove(&from);
        folk.merged.insert(from, into);
    }

    pub(crate) fn stop_scoring(&self, is_down: bool) {
        self.lock().scoring_is_down = is_down;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nobody panics while looking somebody up")
    }

    fn routes(&self) -> Routes {
        let mut routes = Routes::builder();
        routes
            .add_service(GraphServiceServer::new(self.clone()))
            .add_service(PlusKServiceServer::new(self.clone()))
            .add_service(ScoreServiceServer::new(self.clone()))
            .add_service(TopicServiceServer::new(self.clone()));
        routes.routes()
    }

    fn find(&self, person: &str) -> Option<(i64, Member)> {
        let folk = self.lock();
        let asked: i64 = person.parse().ok()?;
        let now = folk.merged.get(&asked).copied().unwrap_or(asked);
        Some((now, folk.members.get(&now)?.clone()))
    }

    fn person(&self, person: &str) -> Option<graph::Person> {
        let (id, member) = self.find(person)?;
        let account = |network: &&str| LinkedAccount {
            network: (*network).to_owned(),
            native_id: format!("native {id}"),
            handle: format!("handle {id}"),
            ..LinkedAccount::default()
        };
        Some(graph::Person {
            person: id.to_string(),
            accounts: member.networks.iter().map(account).collect(),
            create_time: Some(timestamp(datetime!(2026-01-01 00:00 UTC))),
            country: member.country.to_owned(),
            city: member.city.to_owned(),
            state: "MEMBER".to_owned(),
            withheld_purposes: member.withheld.iter().map(|it| (*it).to_owned()).collect(),
            ..graph::Person::default()
        })
    }

    fn score(&self, person: &str) -> Result<Score, Status> {
        if self.lock().scoring_is_down {
            return Err(down());
        }
        let (id, member) = self.find(person).ok_or_else(unknown)?;
        let state = if member.score.is_some() { "KNOWN" } else { "UNKNOWN" };
        Ok(Score {
            person: id.to_string(),
            state: state.to_owned(),
            score: member.score,
            percentile: member.score.map(|_| 90.0),
            confidence: member.score.map(|_| 0.5),
            true_reach: member.score.map(|_| 1_000.0),
            amplification: member.score.map(|_| 20.0),
            network_impact: member.score.map(|_| 30.0),
            model: "klout-test".to_owned(),
            epoch: 7,
            score_time: Some(timestamp(datetime!(2026-11-26 00:00 UTC))),
            ..Score::default()
        })
    }
}

#[tonic::async_trait]
impl GraphService for Folk {
    async fn get_person(
        &self,
        request: Request<graph::GetPersonRequest>,
    ) -> Result<Response<graph::GetPersonResponse>, Status> {
        let person = Some(self.person(&request.into_inner().person).ok_or_else(unknown)?);
        Ok(Response::new(graph::GetPersonResponse { person }))
    }

    async fn batch_get_people(
        &self,
        request: Request<graph::BatchGetPeopleRequest>,
    ) -> Result<Response<graph::BatchGetPeopleResponse>, Status> {
        let people = request.into_inner().people;
        let people = people.iter().filter_map(|it| self.person(it)).collect();
        Ok(Response::new(graph::BatchGetPeopleResponse { people }))
    }

    async fn batch_identify_people(
        &self,
        request: Request<graph::BatchIdentifyPeopleRequest>,
    ) -> Result<Response<graph::BatchIdentifyPeopleResponse>, Status> {
        let identified = |customer: graph::ResolvePersonRequest| {
            let name = customer.account.and_then(|it| it.name)?;
            let person = match &name {
                Name::NativeId(id) => id.trim_start_matches("native "),
                Name::Handle(handle) => handle.trim_start_matches("handle "),
            };
            self.person(person)?;
            Some(graph::IdentifiedPerson {
                person_id: person.parse().ok()?,
                likelihood: 1.0,
                matched_on: vec!["handle".to_owned()],
                by_hashes_alone: false,
            })
        };
        let result = |customer| match identified(customer) {
            Some(person) => graph::identify_result::Result::Person(person),
            None => graph::identify_result::Result::Status(to_row(&unknown())),
        };
        let results = request
            .into_inner()
            .customers
            .into_iter()
            .map(|customer| graph::IdentifyResult { result: Some(result(customer)) });
        Ok(Response::new(graph::BatchIdentifyPeopleResponse { results: results.collect() }))
    }

    async fn list_perk_members(
        &self,
        request: Request<graph::ListPerkMembersRequest>,
    ) -> Result<Response<graph::ListPerkMembersResponse>, Status> {
        let request = request.into_inner();
        let size = usize::try_from(request.page_size).expect("a size");
        let folk = self.lock();
        let after = folk.members.range(request.after_person_id + 1..);
        let consenting = after.filter(|it| !it.1.withheld.contains(&"perks"));
        let person_ids = consenting.map(|it| *it.0).take(size).collect();
        Ok(Response::new(graph::ListPerkMembersResponse { person_ids }))
    }
}

#[tonic::async_trait]
impl PlusKService for Folk {
    async fn batch_count_plus_k(
        &self,
        request: Request<graph::BatchCountPlusKRequest>,
    ) -> Result<Response<graph::BatchCountPlusKResponse>, Status> {
        let people = request.into_inner().people;
        let count = |it: &String| self.find(it).map_or(0, |it| it.1.plus_k);
        let counts = people.iter().map(count).collect();
        Ok(Response::new(graph::BatchCountPlusKResponse { counts }))
    }
}

#[tonic::async_trait]
impl ScoreService for Folk {
    async fn get_score(
        &self,
        request: Request<score::GetScoreRequest>,
    ) -> Result<Response<score::GetScoreResponse>, Status> {
        let Some(get_score_request::Subject::Person(person)) = request.into_inner().subject else {
            return Err(unknown());
        };
        let score = Some(self.score(&person)?);
        Ok(Response::new(score::GetScoreResponse { score }))
    }

    async fn batch_lookup_scores(
        &self,
        request: Request<score::BatchLookupScoresRequest>,
    ) -> Result<Response<score::BatchLookupScoresResponse>, Status> {
        let result = |it: score::LookupSubject| {
            let Some(lookup_subject::Subject::Person(person)) = it.subject else {
                return Err(unknown());
            };
            let result = match self.score(&person) {
                Ok(score) => lookup_result::Result::Score(score),
                Err(status) => lookup_result::Result::Status(to_row(&status)),
            };
            Ok(score::LookupResult { result: Some(result) })
        };
        let subjects = request.into_inner().subjects.into_iter();
        let results = subjects.map(result).collect::<Result<_, _>>()?;
        Ok(Response::new(score::BatchLookupScoresResponse { results }))
    }

    async fn explain_score(
        &self,
        request: Request<score::ExplainScoreRequest>,
    ) -> Result<Response<score::ExplainScoreResponse>, Status> {
        let subject = request.into_inner().subject;
        let Some(explain_score_request::Subject::Person(person)) = subject else {
            return Err(unknown());
        };
        let score = self.score(&person)?;
        let points = self.find(&person).map(|it| it.1.points).unwrap_or_default();
        let network = |(name, points): (&str, f64)| Contribution {
            name: name.to_owned(),
            points,
            // It is less than the points, as every further point is harder.
            without: 0.8 * points,
            ..Contribution::default()
        };
        let explanation = Some(Explanation {
            score: Some(score),
            networks: points.into_iter().map(network).collect(),
            ..Explanation::default()
        });
        Ok(Response::new(score::ExplainScoreResponse { explanation }))
    }
}

#[tonic::async_trait]
impl TopicService for Folk {
    async fn list_person_topics(
        &self,
        request: Request<topic::ListPersonTopicsRequest>,
    ) -> Result<Response<topic::ListPersonTopicsResponse>, Status> {
        let (_, member) = self.find(&request.into_inner().person).ok_or_else(unknown)?;
        let topic = |(slug, networks): (&str, Vec<&str>)| PersonTopic {
            topic: Some(Topic { slug: slug.to_owned(), ..Topic::default() }),
            states: vec!["earned".to_owned()],
            networks: networks.into_iter().map(str::to_owned).collect(),
            ..PersonTopic::default()
        };
        let topics = member.topics.into_iter().map(topic).collect();
        let next_page_token = String::new();
        Ok(Response::new(topic::ListPersonTopicsResponse { topics, next_page_token }))
    }

    async fn batch_get_person_topics(
        &self,
        request: Request<topic::BatchGetPersonTopicsRequest>,
    ) -> Result<Response<topic::BatchGetPersonTopicsResponse>, Status> {
        let names = |person: String| {
            let topics = self.find(&person).map(|it| it.1.topics).unwrap_or_default();
            let topics = topics.into_iter().map(|it| it.0.to_owned()).collect();
            PersonTopicNames { person, topics, has_topic: false }
        };
        let people = request.into_inner().people.into_iter().map(names).collect();
        Ok(Response::new(topic::BatchGetPersonTopicsResponse { people }))
    }
}
