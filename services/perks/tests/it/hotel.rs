//! A hotel with desks on one or two replicas, and peers that are played: they can be slow, away or wrong.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
};

use klout_chassis::{Host, Link, Running, reason, to_row};
use klout_perks::Perks;
use klout_proto::{
    graph::v1::{
        ApplyPersonStatesRequest, ApplyPersonStatesResponse, BatchCountPlusKRequest,
        BatchCountPlusKResponse, BatchGetPeopleRequest, BatchGetPeopleResponse,
        BatchIdentifyPeopleRequest, BatchIdentifyPeopleResponse, Contacts, GetPersonRequest,
        GetPersonResponse, IdentifiedPerson, IdentifyResult, Person, PersonState, identify_result,
    },
    perk::v1::{
        self as perk, ActivateCampaignRequest, AvailableUpgrade, Benefit, CampaignSpec, Category,
        CreateCampaignRequest, CreatePropertyRequest, DecideCheckInRequest, DecideCheckInResponse,
        GetCampaignRequest, Guest, ListDecisionsRequest, Property, Rule,
        desk_service_client::DeskServiceClient, perk_service_client::PerkServiceClient,
        person_data_service_client::PersonDataServiceClient,
    },
    score::v1::{
        BatchLookupScoresRequest, BatchLookupScoresResponse, LookupResult, LookupSubject, Score,
        lookup_result, lookup_subject,
    },
    topic::v1::{BatchGetPersonTopicsRequest, BatchGetPersonTopicsResponse},
};
use klout_testkit::{Peer, Proxy, Stores, link, start, unary, until};
use prost_types::{Duration, Timestamp};
use sqlx::{Executor as _, PgConnection};
use tonic::{Code, Status, service::Routes};

/// Longer than anybody waits: what is asked for is an answer, not a fast one.
pub(crate) const PATIENT: Duration = Duration { seconds: 5, nanos: 0 };

/// Of the hotel.
pub(crate) const PALMS: &str = "palms";

/// A hotel, and those whom its desks ask.
pub(crate) struct Hotel {
    pub(crate) stores: Stores,
    pub(crate) running: Running,
    pub(crate) members: Members,
    pub(crate) scoring: Scoring,
    graph: Peer,
    topics: Peer,
    _scores: Peer,
    /// Between the desks and scoring.
    pub(crate) way_to_scoring: Proxy,
}

/// Who there is, by e-mail address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members(Arc<Mutex<BTreeMap<String, Member>>>);

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) person: i64,
    pub(crate) score: f64,
    pub(crate) withheld_purposes: Vec<String>,
}

/// How scoring answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scoring(Arc<AtomicU8>);

impl Scoring {
    pub(crate) fn be_right(&self) {
        self.0.store(0, Ordering::SeqCst);
    }

    pub(crate) fn fail(&self) {
        self.0.store(1, Ordering::SeqCst);
    }

    /// Tells scores that there cannot be.
    pub(crate) fn talk_nonsense(&self) {
        self.0.store(2, Ordering::SeqCst);
    }
}

impl Members {
    pub(crate) fn join(&self, email: &str, person: i64, score: f64) {
        let member = Member { person, score, withheld_purposes: Vec::new() };
        self.0.lock().expect("not poisoned").insert(email.to_owned(), member);
    }

    pub(crate) fn withhold(&self, email: &str, purpose: &str) {
        let mut members = self.0.lock().expect("not poisoned");
        let member = members.get_mut(email).expect("a member");
        member.withheld_purposes.push(purpose.to_owned());
    }

    pub(crate) fn leave(&self, email: &str) {
        self.0.lock().expect("not poisoned").remove(email);
    }

    fn by(&self, is: impl Fn(&str, &Member) -> bool) -> Option<Member> {
        let members = self.0.lock().expect("not poisoned");
        members.iter().find(|(email, member)| is(email, member)).map(|(_, member)| member.clone())
    }

    fn of(&self, person: &str) -> Option<Member> {
        self.by(|_, member| member.person.to_string() == person)
    }
}

impl Hotel {
    pub(crate) async fn open() -> Self {
        Self::open_on(Stores::fresh().await).await
    }

    /// With a campaign that gives any upgrade from a score of 40 on, and guests: ada has 72, bob has 38.
    pub(crate) async fn with_offer() -> (Self, String) {
        let hotel = Self::open().await;
        let campaign = hotel.offer(spec()).await;
        (hotel, campaign)
    }

    pub(crate) async fn open_on(stores: Stores) -> Self {
        let members = Members::default();
        members.join("ada@example.org", 71, 72.0);
        members.join("bob@example.org", 72, 38.0);
        let scoring = Scoring::default();
        let graph = Peer::serve(graph(&members)).await;
        let topics = Peer::serve(topics()).await;
        let scores = Peer::serve(scores(&members, &scoring)).await;
        let way_to_scoring = scores.disturbed().await;
        let running = open_desk(&stores, &graph, &topics, &way_to_scoring, &[]).await;
        let hotel = Self {
            stores,
            running,
            members,
            scoring,
            graph,
            topics,
            _scores: scores,
            way_to_scoring,
        };
        hotel.build(palms()).await.expect("a property");
        hotel
    }

    /// Another replica on the same stores.
    pub(crate) async fn another_desk(&self) -> Running {
        self.another_desk_on(&self.stores, &[]).await
    }

    pub(crate) async fn another_desk_on(
        &self,
        stores: &Stores,
        flags: &[(&'static str, &str)],
    ) -> Running {
        open_desk(stores, &self.graph, &self.topics, &self.way_to_scoring, flags).await
    }

    pub(crate) fn perks(&self) -> PerkServiceClient<Link> {
        PerkServiceClient::new(link(&self.running))
    }

    pub(crate) fn desk(&self) -> DeskServiceClient<Link> {
        DeskServiceClient::new(link(&self.running))
    }

    pub(crate) async fn build(&self, property: Property) -> Result<Property, Status> {
        let request = CreatePropertyRequest { property: Some(property) };
        let made = self.desk().create_property(request).await?;
        Ok(made.into_inner().property.expect("it is answered"))
    }

    /// Makes and activates a campaign.
    pub(crate) async fn offer(&self, spec: CampaignSpec) -> String {
        let request = CreateCampaignRequest { spec: Some(spec), request_id: String::new() };
        let made = self.perks().create_campaign(request).await.expect("a campaign").into_inner();
        let campaign = made.campaign.expect("it is answered").campaign;
        let request = ActivateCampaignRequest { campaign: campaign.clone() };
        self.perks().activate_campaign(request).await.expect("activated");
        campaign
    }

    pub(crate) async fn decide(&self, request: DecideCheckInRequest) -> DecideCheckInResponse {
        decide_at(&self.running, request).await.expect("a desk is always told something")
    }

    /// Why the call is refused.
    pub(crate) async fn refusal(&self, request: DecideCheckInRequest) -> (Code, String) {
        let status = decide_at(&self.running, request).await.expect_err("refused");
        (status.code(), reason(&status).unwrap_or_default())
    }

    /// How many of a campaign are reserved, and confirmed.
    pub(crate) async fn given(&self, campaign: &str) -> (i64, i64) {
        let request = GetCampaignRequest { campaign: campaign.to_owned(), version: 0 };
        let found = self.perks().get_campaign(request).await.expect("a campaign").into_inner();
        let given = found.campaign.and_then(|it| it.given).expect("it is answered");
        (given.reserved, given.confirmed)
    }

    /// What was decided on a campaign.
    pub(crate) async fn outcomes(&self, campaign: &str) -> Vec<String> {
        let campaign = campaign.to_owned();
        let request = ListDecisionsRequest { campaign, page_size: 1_000, ..Default::default() };
        let listed = self.perks().list_decisions(request).await.expect("listed").into_inner();
        listed.decisions.into_iter().map(|it| it.outcome).collect()
    }

    /// Tells the service that somebody is not a member any more, or not for perks.
    pub(crate) async fn tell_state(
        &self,
        person: i64,
        number: u64,
        state: &str,
        withheld: &[&str],
    ) {
        self.tell(PersonState {
            person_id: person,
            number,
            state: state.to_owned(),
            withheld_purposes: withheld.iter().map(|it| (*it).to_owned()).collect(),
            ..Default::default()
        })
        .await;
    }

    /// Tells the service that somebody is another person by now.
    pub(crate) async fn tell_merged(&self, person: i64, number: u64, into: i64) {
        self.tell(PersonState {
            person_id: person,
            number,
            state: "MERGED".to_owned(),
            into_person_id: into,
            ..Default::default()
        })
        .await;
    }

    async fn tell(&self, state: PersonState) {
        let request = ApplyPersonStatesRequest { states: vec![state] };
        let mut client = PersonDataServiceClient::new(link(&self.running));
        let _: ApplyPersonStatesResponse =
            client.apply_person_states(request).await.expect("taken over").into_inner();
    }
}

pub(crate) async fn decide_at(
    desk: &Running,
    request: DecideCheckInRequest,
) -> Result<DecideCheckInResponse, Status> {
    let mut client = PerkServiceClient::new(link(desk));
    client.decide_check_in(request).await.map(tonic::Response::into_inner)
}

/// A guest with an e-mail address has booked the plainest room, and there is one of each better one.
pub(crate) fn check_in(stay: &str, email: &str) -> DecideCheckInRequest {
    DecideCheckInRequest {
        property: PALMS.to_owned(),
        stay: stay.to_owned(),
        guest: Some(guest(email)),
        booked_category: "KING".to_owned(),
        upgrades: vec![upgrade("VIEW", 1), upgrade("SUITE", 1)],
        deadline: Some(PATIENT),
    }
}

pub(crate) fn guest(email: &str) -> Guest {
    let contacts = Contacts { emails: vec![email.to_owned()], ..Default::default() };
    Guest { contacts: Some(contacts), ..Default::default() }
}

/// What the played social-graph takes for the hash of an address.
pub(crate) fn hash_of(email: &str) -> String {
    format!("hash of {email}")
}

pub(crate) fn upgrade(category: &str, available: i32) -> AvailableUpgrade {
    AvailableUpgrade { category: category.to_owned(), available: Some(available) }
}

pub(crate) fn palms() -> Property {
    let category = |category: &str, display_name: &str| Category {
        category: category.to_owned(),
        display_name: display_name.to_owned(),
    };
    Property {
        property: PALMS.to_owned(),
        display_name: "The Palms".to_owned(),
        country: "US".to_owned(),
        city: "Las Vegas".to_owned(),
        time_zone: "America/Los_Angeles".to_owned(),
        currency: "USD".to_owned(),
        categories: vec![
            category("KING", "a king room"),
            category("VIEW", "a room with a view"),
            category("SUITE", "a suite"),
        ],
        sandbox: false,
        create_time: None,
    }
}

pub(crate) fn spec() -> CampaignSpec {
    CampaignSpec {
        brand: "Palms".to_owned(),
        title: "Klout Klub".to_owned(),
        benefit: Some(Benefit {
            kind: "UPGRADE".to_owned(),
            description: "A better room.".to_owned(),
            ..Default::default()
        }),
        rules: vec![Rule { rule: "score".to_owned(), expression: "score >= 40.0".to_owned() }],
        stock: Some(10),
        disclosure: "The hotel gives it.".to_owned(),
        unique_per: "STAY".to_owned(),
        line: "May I offer you {category} at {name}?".to_owned(),
        ..Default::default()
    }
}

async fn open_desk(
    stores: &Stores,
    graph: &Peer,
    topics: &Peer,
    way_to_scoring: &Proxy,
    flags: &[(&'static str, &str)],
) -> Running {
    let scoring = format!("http://{}", way_to_scoring.address());
    let mut all = vec![
        ("links.social_graph", graph.address()),
        ("links.topics", topics.address()),
        ("links.scoring", scoring.as_str()),
    ];
    all.extend(flags);
    start(Host::new("test").with::<Perks>(), stores, &all).await
}

fn no_person() -> Status {
    let refusal = klout_chassis::Refusal::new(Code::NotFound, "PERSON_UNKNOWN");
    refusal.into_plain_status("nobody")
}

fn graph(members: &Members) -> Routes {
    let (resolving, getting) = (members.clone(), members.clone());
    let identify = move |request: BatchIdentifyPeopleRequest| {
        let results = request.customers.into_iter().map(|customer| {
            let Contacts { emails, email_hashes, .. } = customer.contacts.unwrap_or_default();
            let found = resolving.by(|email, _| {
                emails.iter().any(|it| it == email) || email_hashes.contains(&hash_of(email))
            });
            let by_hashes_alone = emails.is_empty();
            let matched_on = if by_hashes_alone { "email_hash" } else { "email" };
            let result = match found {
                Some(member) => identify_result::Result::Person(IdentifiedPerson {
                    person_id: member.person,
                    likelihood: 1.0,
                    matched_on: vec![matched_on.to_owned()],
                    by_hashes_alone,
                }),
                None => identify_result::Result::Status(to_row(&no_person())),
            };
            IdentifyResult { result: Some(result) }
        });
        Ok(BatchIdentifyPeopleResponse { results: results.collect() })
    };
    let find = move |person: String| {
        let withheld_purposes = getting.of(&person)?.withheld_purposes;
        Some(Person { person, withheld_purposes, ..Default::default() })
    };
    let finding = find.clone();
    let get = move |request: GetPersonRequest| {
        let person = finding(request.person).ok_or_else(no_person)?;
        Ok(GetPersonResponse { person: Some(person) })
    };
    let get_all = move |request: BatchGetPeopleRequest| {
        let people = request.people.into_iter().filter_map(&find).collect();
        Ok(BatchGetPeopleResponse { people })
    };
    let plus_k = |request: BatchCountPlusKRequest| {
        Ok(BatchCountPlusKResponse { counts: vec![0; request.people.len()] })
    };
    together([
        unary("/klout.graph.v1.GraphService/BatchIdentifyPeople", identify),
        unary("/klout.graph.v1.GraphService/GetPerson", get),
        unary("/klout.graph.v1.GraphService/BatchGetPeople", get_all),
        unary("/klout.graph.v1.PlusKService/BatchCountPlusK", plus_k),
    ])
}

fn topics() -> Routes {
    unary("/klout.topic.v1.TopicService/BatchGetPersonTopics", |_: BatchGetPersonTopicsRequest| {
        Ok(BatchGetPersonTopicsResponse::default())
    })
}

fn scores(members: &Members, scoring: &Scoring) -> Routes {
    let (members, scoring) = (members.clone(), scoring.clone());
    let score = move |subject: LookupSubject| {
        let Some(lookup_subject::Subject::Person(person)) = subject.subject else {
            return Err(Status::invalid_argument("no person"));
        };
        let Some(member) = members.of(&person) else {
            let result = lookup_result::Result::Status(to_row(&no_person()));
            return Ok(LookupResult { result: Some(result) });
        };
        let score = match scoring.0.load(Ordering::SeqCst) {
            0 => member.score,
            1 => return Err(Status::internal("wrong")),
            _ => 4_711.0,
        };
        let score = Score {
            person,
            state: "KNOWN".to_owned(),
            score: Some(score),
            model: "test".to_owned(),
            epoch: 7,
            score_time: Some(Timestamp { seconds: 1_500_000_000, nanos: 0 }),
            ..Default::default()
        };
        Ok(LookupResult { result: Some(lookup_result::Result::Score(score)) })
    };
    let path = "/klout.score.v1.ScoreService/BatchLookupScores";
    unary(path, move |request: BatchLookupScoresRequest| {
        let results = request.subjects.into_iter().map(&score).collect::<Result<_, _>>()?;
        Ok(BatchLookupScoresResponse { results })
    })
}

fn together<const N: usize>(routes: [Routes; N]) -> Routes {
    let mut all = routes.map(Routes::into_axum_router).into_iter();
    let first = all.next().expect("at least one");
    Routes::from(all.fold(first, |all, one| all.merge(one)))
}

/// Waits until a desk is told what it is told when all is well.
pub(crate) async fn until_offered(
    desk: &Running,
    request: &DecideCheckInRequest,
) -> perk::DecideCheckInResponse {
    let mut offered = None;
    until("the guest is offered an upgrade", async || {
        let answer = decide_at(desk, request.clone()).await.expect("always told something");
        let is_offer = answer.outcome == "OFFER";
        offered = is_offer.then_some(answer);
        is_offer
    })
    .await;
    offered.expect("it was waited for")
}

/// Holds a campaign, as another replica would, until it is rolled back.
pub(crate) async fn hold(hotel: &Hotel, campaign: &str) -> PgConnection {
    let mut holding = hotel.stores.db().await.acquire().await.expect("a connection").detach();
    holding.execute("begin").await.expect("begun");
    let campaign: i64 = campaign.parse().expect("a number");
    sqlx::query("select from perks.campaign where campaign_id = $1 for update")
        .bind(campaign)
        .execute(&mut holding)
        .await
        .expect("held");
    holding
}

/// Waits until somebody waits for what somebody else holds.
pub(crate) async fn until_held_up(hotel: &Hotel) {
    until("somebody waits", async || is_held_up(hotel).await).await;
}

/// Whether somebody waits for what somebody else holds.
pub(crate) async fn is_held_up(hotel: &Hotel) -> bool {
    let waiting = "select exists (select from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock')";
    let db = hotel.stores.db().await;
    sqlx::query_scalar(waiting).fetch_one(&db).await.expect("Postgres answers")
}
