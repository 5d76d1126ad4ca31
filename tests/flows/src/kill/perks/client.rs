//! One of those who ask, and what they were answered.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use klout_proto::perk::v1::{
    ConfirmGrantRequest, Grant, ReleaseGrantRequest, ReserveGrantRequest, ReserveGrantResponse,
    ReverseGrantRequest, perk_service_client::PerkServiceClient, reserve_grant_request::Subject,
};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use sqlx::PgPool;
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// How long an answer is waited for: a process may stand still.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait before asking again whoever did not answer.
const PAUSE: Duration = Duration::from_millis(20);

/// People who are asked about: few, so that they meet.
const PEOPLE: i64 = 400;

/// Stays, for each of which there is one.
const STAYS: u32 = 200;

/// The way to both processes.
#[derive(Clone, Debug)]
pub(super) struct Door {
    channels: [Channel; 2],
    key: MetadataValue<Ascii>,
}

/// A client that carries a key.
pub(super) type KeyClient = PerkServiceClient<InterceptedService<Channel, Key>>;

#[derive(Clone, Debug)]
pub(super) struct Key(MetadataValue<Ascii>);

/// What all clients share.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) door: Door,
    pub(super) campaigns: Vec<String>,
    /// So many answers were there.
    pub(super) answers: AtomicU64,
    /// Nothing new is asked for any more.
    pub(super) ends: AtomicBool,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Client {
    shared: Arc<Clients>,
    name: String,
    random: Pcg64Mcg,
    seen: Seen,
    grants: Vec<Grant>,
}

/// What a client was answered.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By campaign and request: the request, and what was decided.
    decisions: BTreeMap<(String, String), (ReserveGrantRequest, Decision)>,
    /// In which state a grant was told to be last.
    states: BTreeMap<(String, String), String>,
    /// What was answered otherwise than before.
    flaws: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Decision {
    decision: String,
    outcome: String,
    grant: String,
}

// === impl Door ===

impl Door {
    pub(super) fn new(addresses: [String; 2], key: &str) -> Self {
        let channel = |address: String| {
            let endpoint = Endpoint::from_shared(address).expect("an address");
            endpoint.timeout(PATIENCE).connect_timeout(PATIENCE).connect_lazy()
        };
        let key = format!("Bearer {key}").parse().expect("a header");
        Self { channels: addresses.map(channel), key }
    }

    /// Of one of the processes, counted round and round.
    pub(super) fn client(&self, number: usize) -> KeyClient {
        let channel = self.channels[number % self.channels.len()].clone();
        PerkServiceClient::with_interceptor(channel, Key(self.key.clone()))
    }
}

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

// === impl Client ===

impl Client {
    pub(super) fn new(shared: Arc<Clients>, number: usize, seed: u64) -> Self {
        let seed = seed.wrapping_mul(1_000).wrapping_add(number as u64);
        Self {
            shared,
            name: format!("client-{number}"),
            random: Pcg64Mcg::seed_from_u64(seed),
            seen: Seen::default(),
            grants: Vec::new(),
        }
    }

    /// Asks until the end.
    pub(super) async fn run(mut self) -> Seen {
        let mut number = 0_u32;
        while !self.shared.ends.load(Ordering::Relaxed) {
            match self.random.random_range(0..10) {
                0..5 => {
                    number += 1;
                    let request = self.draw(number);
                    self.reserve(request).await;
                }
                5 => self.ask_again().await,
                step => self.step(step).await,
            }
        }
        self.seen
    }

    fn draw(&mut self, number: u32) -> ReserveGrantRequest {
        let campaigns = &self.shared.campaigns;
        let campaign = campaigns[self.random.random_range(0..campaigns.len())].clone();
        ReserveGrantRequest {
            campaign,
            subject: Some(Subject::Person(self.random.random_range(1..=PEOPLE).to_string())),
            request_id: format!("{}/{number}", self.name),
            property: String::new(),
            stay: self.random.random_range(0..STAYS).to_string(),
        }
    }

    /// Asks until there is an answer, of whichever process.
    async fn reserve(&mut self, request: ReserveGrantRequest) {
        loop {
            let mut client = self.client();
            match client.reserve_grant(request.clone()).await {
                Ok(response) => {
                    self.answered();
                    return self.note(request, response.into_inner());
                }
                Err(status) if is_trouble(&status) => tokio::time::sleep(PAUSE).await,
                Err(status) => {
                    self.seen.flaws.push(format!("{request:?} was refused: {status}"));
                    return;
                }
            }
        }
    }

    fn note(&mut self, request: ReserveGrantRequest, response: ReserveGrantResponse) {
        let decision = response.decision.unwrap_or_default();
        let decided = Decision {
            decision: decision.decision,
            outcome: decision.outcome,
            grant: decision.grant,
        };
        let key = (request.campaign.clone(), request.request_id.clone());
        match self.seen.decisions.get(&key) {
            Some((_, before)) if *before != decided => {
                self.seen.flaws.push(format!("{before:?} was told of {key:?}, then {decided:?}"));
            }
            Some(_) => {}
            None => {
                self.grants.extend(response.grant);
                self.seen.decisions.insert(key, (request, decided));
            }
        }
    }

    async fn ask_again(&mut self) {
        let count = self.seen.decisions.len();
        if count > 0 {
            let which = self.random.random_range(0..count);
            let asked = self.seen.decisions.values().nth(which).expect("one of them");
            let request = asked.0.clone();
            self.reserve(request).await;
        }
    }

    /// Does something to one of the client's grants. What is not answered stays unknown.
    async fn step(&mut self, step: u32) {
        if self.grants.is_empty() {
            return;
        }
        let which = self.random.random_range(0..self.grants.len());
        let Grant { campaign, grant, .. } = self.grants[which].clone();
        let key = (campaign.clone(), grant.clone());
        let mut client = self.client();
        let answered = match step {
            6 | 7 => {
                let request = ConfirmGrantRequest { campaign, grant };
                client.confirm_grant(request).await.map(|it| it.into_inner().grant)
            }
            8 => {
                let request = ReleaseGrantRequest { campaign, grant };
                client.release_grant(request).await.map(|it| it.into_inner().grant)
            }
            _ => {
                let why = "at random".to_owned();
                let request = ReverseGrantRequest { campaign, grant, why };
                client.reverse_grant(request).await.map(|it| it.into_inner().grant)
            }
        };
        match answered {
            Ok(grant) => {
                self.answered();
                self.seen.states.insert(key, grant.unwrap_or_default().state);
            }
            Err(status) if status.code() == Code::FailedPrecondition => self.answered(),
            Err(status) if is_trouble(&status) => tokio::time::sleep(PAUSE).await,
            Err(status) => self.seen.flaws.push(format!("a step of {key:?} failed: {status}")),
        }
    }

    fn answered(&self) {
        self.shared.answers.fetch_add(1, Ordering::Relaxed);
    }

    fn client(&mut self) -> KeyClient {
        self.shared.door.client(self.random.random_range(0..2))
    }
}

/// Whether it is nobody's mistake: whoever was asked is dead, or what they stand on.
fn is_trouble(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded | Code::Unknown
    )
}

// === impl Seen ===

impl Seen {
    /// Requests on which something was decided.
    pub(super) fn decided(&self) -> usize {
        self.decisions.len()
    }
}

/// What of that which clients were answered is not so.
pub(super) async fn compare(db: &PgPool, seen: &[Seen]) -> Vec<String> {
    let rows: Vec<(String, String, String, String, String)> = sqlx::query_as(
        "select campaign_id::text, request_id, decision_id::text, outcome, coalesce(grant_id::text, '')
         from perks.decision",
    )
    .fetch_all(db)
    .await
    .expect("Postgres answers");
    let mut recorded = BTreeMap::new();
    let mut flaws = Vec::new();
    for (campaign, request_id, decision, outcome, grant) in rows {
        let decision = Decision { decision, outcome, grant };
        let before = recorded.insert((campaign, request_id), decision);
        flaws.extend(before.map(|it| format!("{it:?} is not the only answer to its request")));
    }
    let states: Vec<(String, String, String)> =
        sqlx::query_as("select campaign_id::text, grant_id::text, state from perks.grant")
            .fetch_all(db)
            .await
            .expect("Postgres answers");
    let states: BTreeMap<_, _> =
        states.into_iter().map(|(campaign, grant, state)| ((campaign, grant), state)).collect();
    for client in seen {
        flaws.extend(client.flaws.iter().cloned());
        for (key, (_, told)) in &client.decisions {
            if recorded.get(key) != Some(told) {
                flaws.push(format!("{told:?} was told of {key:?}; it is {:?}", recorded.get(key)));
            }
        }
        for (key, told) in &client.states {
            let is = states.get(key).map(String::as_str);
            let can_be = match told.as_str() {
                "CONFIRMED" => matches!(is, Some("CONFIRMED" | "REVERSED")),
                ended => is == Some(ended),
            };
            if !can_be {
                flaws.push(format!("{key:?} was told to be {told}; it is {is:?}"));
            }
        }
    }
    let asked: usize = seen.iter().map(Seen::decided).sum();
    if recorded.len() != asked {
        flaws.push(format!("{} decisions are recorded of {asked} that were told", recorded.len()));
    }
    flaws
}
