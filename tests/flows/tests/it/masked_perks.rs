//! Perks show nothing of who has left, from the moment that leaving returned, and give them nothing.
//!
//! As in `masked`, readers ask every surface as fast as it answers and note when they began to ask. With the look at who
//! has left switched off in perks, the same readers find somebody.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use klout_flows::Installation;
use klout_proto::{
    graph::v1::{ErasePersonRequest, SetConsentRequest, graph_service_client::GraphServiceClient},
    perk::v1::{
        ActivateCampaignRequest, Arrival, AvailableUpgrade, Benefit, CampaignSpec, Category,
        ConfirmGrantRequest, CreateCampaignRequest, CreatePropertyRequest, DecideCheckInRequest,
        EvaluatePerksRequest, Guest, IssuePassRequest, ListArrivalsRequest, ListDecisionsRequest,
        ListGrantsRequest, MarkArrivalsRequest, Property, ReplayDecisionRequest,
        ReserveGrantRequest, Rule, VerifyPassRequest, desk_service_client::DeskServiceClient,
        evaluate_perks_request, perk_service_client::PerkServiceClient, reserve_grant_request,
    },
};
use klout_testkit::{Stores, until};
use serde_json::json;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// Who may leave, each once.
const MEMBERS: usize = 8;

/// Where they arrive.
const PROPERTY: &str = "palms";

/// What shows somebody, by name.
const SURFACES: [&str; 11] = [
    "EvaluatePerks",
    "ReserveGrant",
    "ReserveGrant again",
    "ListGrants of a person",
    "ListGrants of a campaign",
    "ListDecisions",
    "ReplayDecision",
    "DecideCheckIn",
    "DecideCheckIn again",
    "ListArrivals",
    "VerifyPass",
];

/// Puts a key to every call.
#[derive(Clone)]
struct Key(MetadataValue<Ascii>);

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

type Called = InterceptedService<Channel, Key>;

/// What readers ask, and what they have found.
#[derive(Clone)]
struct Readers {
    perks: PerkServiceClient<Called>,
    desk: DeskServiceClient<Called>,
    /// Whose passes are whose.
    passes: Arc<BTreeMap<String, String>>,
    arrival_day: Arc<str>,
    everybody: Arc<Vec<String>>,
    /// Gives one for each stay, so that each of its requests can be given.
    campaign: Arc<str>,
    requests: Arc<AtomicU64>,
    /// Since when somebody is not there any more.
    gone: Arc<Mutex<BTreeMap<String, Instant>>>,
    leaks: Arc<Mutex<BTreeMap<&'static str, BTreeSet<String>>>>,
    shown: Arc<Mutex<BTreeMap<&'static str, u64>>>,
    over: Arc<AtomicBool>,
}

// === impl Readers ===

impl Readers {
    fn saw(&self, surface: &'static str, asked: Instant, people: impl IntoIterator<Item = String>) {
        let gone = self.gone.lock().expect("nobody panics while holding it").clone();
        let people: Vec<String> = people.into_iter().filter(|it| !it.is_empty()).collect();
        if people.is_empty() {
            return;
        }
        *self.shown.lock().expect("nobody panics").entry(surface).or_default() += 1;
        for person in people {
            if gone.get(&person).is_some_and(|since| asked > *since) {
                let mut leaks = self.leaks.lock().expect("nobody panics while holding it");
                leaks.entry(surface).or_default().insert(person);
            }
        }
    }

    fn take(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        std::mem::take(&mut *self.leaks.lock().expect("nobody panics while holding it"))
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    async fn look_at(&self, person: &String) {
        let mut perks = self.perks.clone();
        let asked = Instant::now();
        let subject = Some(evaluate_perks_request::Subject::Person(person.clone()));
        let request = EvaluatePerksRequest { subject, ..Default::default() };
        if let Ok(said) = perks.evaluate_perks(request).await {
            self.saw("EvaluatePerks", asked, [said.into_inner().person]);
        }
        let asked = Instant::now();
        let request = ListGrantsRequest { person: person.clone(), ..Default::default() };
        if perks.list_grants(request).await.is_ok() {
            self.saw("ListGrants of a person", asked, [person.clone()]);
        }
        let request_id = self.requests.fetch_add(1, Ordering::SeqCst).to_string();
        for (surface, name) in [("ReserveGrant", &request_id), ("ReserveGrant again", person)] {
            let asked = Instant::now();
            // Whatever comes out of it says that there is such a person.
            if perks.reserve_grant(ask(&self.campaign, person, name)).await.is_ok() {
                self.saw(surface, asked, [person.clone()]);
            }
        }
    }

    /// Of a guest who is an offer it is known that they qualify.
    async fn look_from_the_desk(&self, person: &String) {
        let mut perks = self.perks.clone();
        let number = self.requests.fetch_add(1, Ordering::SeqCst).to_string();
        for (surface, stay) in [("DecideCheckIn", &number), ("DecideCheckIn again", person)] {
            let asked = Instant::now();
            if let Ok(told) = perks.decide_check_in(check_in(person, stay)).await
                && told.into_inner().outcome == "OFFER"
            {
                self.saw(surface, asked, [person.clone()]);
            }
        }
        let asked = Instant::now();
        let pass = self.passes.get(person).cloned().unwrap_or_default();
        let verified = self.desk.clone().verify_pass(VerifyPassRequest { pass }).await;
        if verified.is_ok() {
            self.saw("VerifyPass", asked, [person.clone()]);
        }
    }

    async fn look_at_arrivals(&self) {
        let asked = Instant::now();
        let request = ListArrivalsRequest {
            property: PROPERTY.to_owned(),
            arrival_day: self.arrival_day.to_string(),
            ..Default::default()
        };
        if let Ok(listed) = self.desk.clone().list_arrivals(request).await {
            let arrivals = listed.into_inner().arrivals.into_iter();
            let offers = arrivals.filter(|it| it.outcome == "OFFER");
            self.saw("ListArrivals", asked, offers.map(|it| it.stay));
        }
    }

    async fn look_at_lists(&self) {
        let mut perks = self.perks.clone();
        let asked = Instant::now();
        let campaign = self.campaign.to_string();
        let request = ListGrantsRequest {
            campaign: campaign.clone(),
            page_size: 1_000,
            ..Default::default()
        };
        if let Ok(listed) = perks.list_grants(request).await {
            let people = listed.into_inner().grants.into_iter().map(|it| it.person);
            self.saw("ListGrants of a campaign", asked, people);
        }
        let asked = Instant::now();
        let request = ListDecisionsRequest { campaign, page_size: 1_000, ..Default::default() };
        let Ok(listed) = perks.list_decisions(request).await else { return };
        let decisions = listed.into_inner().decisions;
        self.saw("ListDecisions", asked, decisions.iter().map(|it| it.person.clone()));
        for it in decisions.iter().rev().take(2 * MEMBERS) {
            let asked = Instant::now();
            let (campaign, decision) = (it.campaign.clone(), it.decision.clone());
            let request = ReplayDecisionRequest { campaign, decision };
            if let Ok(replayed) = perks.replay_decision(request).await {
                let decision = replayed.into_inner().decision;
                self.saw("ReplayDecision", asked, decision.map(|it| it.person));
            }
        }
    }

    async fn read_on(&self, surfaces: &[&'static str], times: u64) {
        let shown = |surface: &str| {
            let shown = self.shown.lock().expect("nobody panics while holding it");
            shown.get(surface).copied().unwrap_or(0)
        };
        let before: Vec<u64> = surfaces.iter().map(|surface| shown(surface)).collect();
        for (surface, before) in surfaces.iter().zip(before) {
            until(surface, async || shown(surface) >= before + times).await;
        }
    }
}

/// Whoever arrives has their own id for a stay.
fn check_in(person: &str, stay: &str) -> DecideCheckInRequest {
    DecideCheckInRequest {
        property: PROPERTY.to_owned(),
        stay: stay.to_owned(),
        guest: Some(Guest { person: person.to_owned(), ..Guest::default() }),
        booked_category: "queen".to_owned(),
        upgrades: vec![AvailableUpgrade {
            category: "suite".to_owned(),
            available: Some(1_000_000),
        }],
        deadline: Some(prost_types::Duration { seconds: 5, nanos: 0 }),
    }
}

fn ask(campaign: &str, person: &str, request_id: &str) -> ReserveGrantRequest {
    ReserveGrantRequest {
        campaign: campaign.to_owned(),
        subject: Some(reserve_grant_request::Subject::Person(person.to_owned())),
        request_id: format!("request {request_id}"),
        stay: format!("stay {request_id}"),
        ..Default::default()
    }
}

/// Members who are liked, a day and an hour.
fn signals(path: &Path) {
    let account = |name: &str| json!({"nativeId": name, "handle": name});
    let mut lines = Vec::new();
    for member in 0..MEMBERS {
        for fan in 0..4 {
            let like = json!({
                "network": "bluesky", "signalId": format!("{member} {fan}"), "time": "2018-05-20T08:00:00Z",
                "interaction": {
                    "actor": account(&format!("fan{fan}")), "subject": account(&format!("member{member}")),
                    "kind": "like",
                },
            });
            lines.push(like.to_string());
        }
    }
    fs::write(path, lines.join("\n")).expect("a file");
}

/// Lets somebody leave. Returns when nothing shows them any more.
async fn leave(people: &GraphServiceClient<Called>, readers: &Readers, person: &str, erased: bool) {
    until("it is masked", async || {
        let (mut people, person) = (people.clone(), person.to_owned());
        let left = if erased {
            let request = ErasePersonRequest { person, ..Default::default() };
            people.erase_person(request).await.map(|_| ())
        } else {
            let state = "OPTED_OUT".to_owned();
            let request = SetConsentRequest { person, state, ..Default::default() };
            people.set_consent(request).await.map(|_| ())
        };
        match left {
            Ok(()) => true,
            Err(status) => {
                assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                false
            }
        }
    })
    .await;
    let mut gone = readers.gone.lock().expect("nobody panics while holding it");
    gone.insert(person.to_owned(), Instant::now());
}

/// A campaign that gives everybody something for each stay.
async fn campaign(perks: &mut PerkServiceClient<Called>, kind: &str) -> String {
    let spec = CampaignSpec {
        brand: "Palms".to_owned(),
        title: "Something nice".to_owned(),
        benefit: Some(Benefit {
            kind: kind.to_owned(),
            description: "Something nice for the stay".to_owned(),
            ..Benefit::default()
        }),
        rules: vec![Rule { rule: "klout".to_owned(), expression: "score >= 1.0".to_owned() }],
        disclosure: "The Palms pays for it.".to_owned(),
        unique_per: "STAY".to_owned(),
        ..CampaignSpec::default()
    };
    let request = CreateCampaignRequest { spec: Some(spec), ..Default::default() };
    let made = perks.create_campaign(request).await.expect("made").into_inner();
    let campaign = made.campaign.expect("always there").campaign;
    let request = ActivateCampaignRequest { campaign: campaign.clone() };
    perks.activate_campaign(request).await.expect("active");
    campaign
}

/// A hotel at which everybody is expected today. Returns which day that is there.
async fn hotel(desk: &mut DeskServiceClient<Called>, db: &PgPool, everybody: &[String]) -> String {
    let category = |category: &str| Category {
        category: category.to_owned(),
        display_name: category.to_owned(),
    };
    let property = Property {
        property: PROPERTY.to_owned(),
        display_name: "The Palms".to_owned(),
        country: "US".to_owned(),
        city: "Las Vegas".to_owned(),
        time_zone: "America/Los_Angeles".to_owned(),
        currency: "USD".to_owned(),
        categories: vec![category("queen"), category("suite")],
        ..Property::default()
    };
    let request = CreatePropertyRequest { property: Some(property) };
    desk.create_property(request).await.expect("made");
    let arrival_day: String =
        sqlx::query_scalar("select (now() at time zone 'America/Los_Angeles')::date::text")
            .fetch_one(db)
            .await
            .expect("a day");
    let arrival = |person: &String| Arrival {
        stay: person.clone(),
        guest: Some(Guest { person: person.clone(), ..Guest::default() }),
        booked_category: "queen".to_owned(),
        ..Arrival::default()
    };
    let request = MarkArrivalsRequest {
        property: PROPERTY.to_owned(),
        arrival_day: arrival_day.clone(),
        arrivals: everybody.iter().map(arrival).collect(),
    };
    let marked = desk.mark_arrivals(request).await.expect("marked").into_inner();
    assert_eq!(usize::try_from(marked.offers), Ok(everybody.len()));
    arrival_day
}

#[tokio::test(flavor = "multi_thread")]
async fn perks_show_nothing_of_who_left_and_without_their_look_at_it_somebody_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let installation = Installation::with_failpoints(Stores::fresh().await, folder.path());
    let file = folder.path().join("signals.jsonl");
    signals(&file);
    let path = file.to_str().expect("a path of UTF-8");
    let imported = installation.klout(&["import", "signals", path, "--register-all"]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let mut everybody = Vec::new();
    for member in 0..MEMBERS {
        let path = format!("/v1/accounts/bluesky/member{member}/score");
        let (status, score) = installation.get(&path).await;
        assert_eq!(status, 200, "{score}");
        everybody.push(score["person"].as_str().expect("a person").to_owned());
    }
    let key: MetadataValue<Ascii> =
        format!("Bearer {}", installation.key()).parse().expect("a header");
    let channel = async |service| {
        let endpoint = Endpoint::from_shared(installation.grpc(service)).expect("an address");
        let channel = endpoint.connect().await.expect("the service answers");
        InterceptedService::new(channel, Key(key.clone()))
    };
    let people = GraphServiceClient::new(channel("social-graph").await);
    let mut perks = PerkServiceClient::new(channel("perks").await);
    let mut desk = DeskServiceClient::new(channel("perks").await);
    campaign(&mut perks, "UPGRADE").await;
    let campaign = campaign(&mut perks, "GIFT").await;
    for person in &everybody {
        let reserved = perks.reserve_grant(ask(&campaign, person, person)).await.expect("decided");
        let grant = reserved.into_inner().grant.expect("given").grant;
        let request = ConfirmGrantRequest { campaign: campaign.clone(), grant };
        perks.confirm_grant(request).await.expect("confirmed");
    }

    let db = installation.stores.db().await;
    let arrival_day = hotel(&mut desk, &db, &everybody).await.into();
    let mut passes = BTreeMap::new();
    for person in &everybody {
        let valid_duration = Some(prost_types::Duration { seconds: 600, nanos: 0 });
        let request = IssuePassRequest { person: person.clone(), valid_duration };
        let issued = desk.issue_pass(request).await.expect("a pass").into_inner();
        passes.insert(person.clone(), issued.pass);
    }

    let readers = Readers {
        perks,
        desk,
        passes: Arc::new(passes),
        arrival_day,
        everybody: Arc::new(everybody.clone()),
        campaign: campaign.into(),
        requests: Arc::default(),
        gone: Arc::default(),
        leaks: Arc::default(),
        shown: Arc::default(),
        over: Arc::default(),
    };
    let mut reading = JoinSet::new();
    let reader = readers.clone();
    reading.spawn(async move {
        while !reader.is_over() {
            for person in reader.everybody.iter() {
                reader.look_at(person).await;
            }
        }
    });
    let reader = readers.clone();
    reading.spawn(async move {
        while !reader.is_over() {
            reader.look_at_lists().await;
            reader.look_at_arrivals().await;
        }
    });
    let reader = readers.clone();
    reading.spawn(async move {
        while !reader.is_over() {
            for person in reader.everybody.iter() {
                reader.look_from_the_desk(person).await;
            }
        }
    });

    // Everybody is seen everywhere while they are there.
    readers.read_on(&SURFACES, 2).await;
    for erased in [true, false, true] {
        let person = everybody.pop().expect("somebody is there");
        leave(&people, &readers, &person, erased).await;
        readers.read_on(&SURFACES, 5).await;
    }
    let leaks = readers.take();
    assert!(leaks.is_empty(), "{leaks:#?}");

    // Of who opted out it stays what they got, and it is masked alone that hides it.
    let switch = folder.path().join("perks.shows_anybody");
    fs::write(&switch, "").expect("a file");
    until("somebody is found", async || {
        let leaks = readers.take();
        leaks.contains_key("ListGrants of a campaign") || leaks.contains_key("ListDecisions")
    })
    .await;
    fs::remove_file(&switch).expect("it was there");
    readers.over.store(true, Ordering::SeqCst);
    while let Some(ended) = reading.join_next().await {
        ended.expect("no reader panics");
    }
}
