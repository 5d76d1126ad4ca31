//! One of those who ask.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Instant,
};

use klout_proto::perk::v1::{
    AvailableUpgrade, ConfirmGrantRequest, DecideCheckInRequest, Guest, ReleaseGrantRequest,
    ReserveGrantRequest, ReserveGrantResponse, ReverseGrantRequest, reserve_grant_request::Subject,
};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use tonic::{Code, Status};

use super::{
    door::{Door, KeyClient, PAUSE, is_trouble, reason},
    offers::{FREE, Offer, PROPERTIES},
    told::{Call, GrantName, Step, Told},
};

/// People who are asked about: few, so that they meet.
pub(super) const PEOPLE: i64 = 400;

/// Stays at each property, for each of which there is one.
pub(super) const STAYS: u32 = 50;

/// Of what was reserved or asked last, so much is rather taken up by others: it is still under way.
const FRESH: usize = 32;

/// What is told of a stay when it could not be found out: then it is asked again.
const UNRECORDED: [&str; 3] = ["DEADLINE_PASSED", "STORE_UNAVAILABLE", "PEER_UNAVAILABLE"];

/// What all clients share.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) door: Door,
    pub(super) offers: Vec<Offer>,
    /// What was reserved by any of them, to which any of them may do something.
    pub(super) grants: Mutex<Vec<GrantName>>,
    /// So many stays were asked about at the desk.
    pub(super) stays: AtomicU32,
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
    told: Told,
}

impl Clients {
    pub(super) fn new(door: Door, offers: Vec<Offer>) -> Self {
        Self {
            door,
            offers,
            grants: Mutex::default(),
            stays: AtomicU32::new(0),
            answers: AtomicU64::new(0),
            ends: AtomicBool::new(false),
        }
    }

    fn share(&self, grant: Option<GrantName>) {
        self.grants.lock().expect("nobody panics while noting").extend(grant);
    }

    /// One of what was reserved, rather one of the last.
    fn draw(&self, random: &mut Pcg64Mcg) -> Option<GrantName> {
        let grants = self.grants.lock().expect("nobody panics while noting");
        let first = if random.random_bool(0.75) { grants.len().saturating_sub(FRESH) } else { 0 };
        (!grants.is_empty()).then(|| grants[random.random_range(first..grants.len())].clone())
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
            told: Told::default(),
        }
    }

    /// Asks until the end.
    pub(super) async fn run(mut self) -> Told {
        let mut number = 0_u32;
        while !self.shared.ends.load(Ordering::Relaxed) {
            match self.random.random_range(0..10) {
                0..4 => {
                    number += 1;
                    let request = self.draw(number);
                    self.reserve(request).await;
                }
                4 => self.ask_again().await,
                5 => self.check_in().await,
                _ => self.step().await,
            }
        }
        self.told
    }

    fn draw(&mut self, number: u32) -> ReserveGrantRequest {
        let offers: Vec<&Offer> = self.shared.offers.iter().filter(|it| !it.is_upgrade).collect();
        let campaign = offers[self.random.random_range(0..offers.len())].campaign.clone();
        ReserveGrantRequest {
            campaign,
            subject: Some(Subject::Person(self.random.random_range(1..=PEOPLE).to_string())),
            request_id: format!("{}/{number}", self.name),
            property: PROPERTIES[self.random.random_range(0..PROPERTIES.len())].to_owned(),
            stay: self.random.random_range(0..STAYS).to_string(),
        }
    }

    async fn reserve(&mut self, request: ReserveGrantRequest) {
        let first = self.random.random_range(0..2);
        match reserve(&self.shared.door, first, &request).await {
            Ok(response) => {
                self.answered();
                let grant = self.told.reserved(request, response);
                self.shared.share(grant);
            }
            Err(status) => self.told.flaws.push(format!("{request:?} was refused: {status}")),
        }
    }

    async fn ask_again(&mut self) {
        let count = self.told.decided();
        if count > 0 {
            let which = self.random.random_range(0..count);
            let request = self.told.request(which).expect("one of them");
            self.reserve(request).await;
        }
    }

    /// A guest stands at the desk; sometimes at two desks, which ask different processes.
    async fn check_in(&mut self) {
        let stays = &self.shared.stays;
        let stay = if self.random.random_bool(0.5) {
            stays.fetch_add(1, Ordering::Relaxed)
        } else {
            let before = u32::try_from(self.random.random_range(0..FRESH)).expect("a few");
            stays.load(Ordering::Relaxed).saturating_sub(before)
        };
        let first = self.random.random_range(0..2);
        let (shared, request) = (Arc::clone(&self.shared), check_in(stay, &FREE));
        let is_at_two = self.random.random_bool(0.5);
        let another = async || match is_at_two {
            true => Some(decide(&shared.door, first + 1, &request).await),
            false => None,
        };
        let (one, other) = tokio::join!(decide(&shared.door, first, &request), another());
        for answer in [Some(one), other].into_iter().flatten() {
            match answer {
                Ok((answer, call)) => {
                    self.answered();
                    let grant = self.told.checked_in(stay.to_string(), answer, call);
                    self.shared.share(grant);
                }
                Err(flaw) => self.told.flaws.push(flaw),
            }
        }
    }

    /// Does something to a grant of whomever; sometimes two things at once, by both processes. What is not answered
    /// stays unknown.
    async fn step(&mut self) {
        let Some(grant) = self.shared.draw(&mut self.random) else { return };
        let mut draw = || match self.random.random_range(0..4) {
            0 | 1 => Step::Confirm,
            2 => Step::Release,
            _ => Step::Reverse,
        };
        let (one, other) = (draw(), draw());
        let first = self.random.random_range(0..2);
        let is_duel = self.random.random_bool(0.5);
        let shared = Arc::clone(&self.shared);
        let another = async || match is_duel {
            true => Some(step(shared.door.client(first + 1), other, &grant).await),
            false => None,
        };
        let (one_answer, other_answer) =
            tokio::join!(step(shared.door.client(first), one, &grant), another());
        let mut is_troubled = false;
        for (step, answer) in [(one, Some(one_answer)), (other, other_answer)] {
            let Some((answer, call)) = answer else { continue };
            match answer {
                Ok(answer) => {
                    self.answered();
                    self.told.stepped(grant.clone(), step, &answer, call);
                }
                Err(status) if status.code() == Code::FailedPrecondition => {
                    self.answered();
                    self.told.refused(grant.clone(), step, &reason(&status), call);
                }
                Err(status) if is_trouble(&status) => is_troubled = true,
                Err(status) => {
                    self.told.flaws.push(format!("{step:?} of {grant:?} failed: {status}"));
                }
            }
        }
        if is_troubled {
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn answered(&self) {
        self.shared.answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// Asks until there is an answer, of whichever process.
pub(super) async fn reserve(
    door: &Door,
    first: usize,
    request: &ReserveGrantRequest,
) -> Result<ReserveGrantResponse, Status> {
    let mut number = first;
    loop {
        match door.client(number).reserve_grant(request.clone()).await {
            Ok(response) => return Ok(response.into_inner()),
            Err(status) if is_trouble(&status) => tokio::time::sleep(PAUSE).await,
            Err(status) => return Err(status),
        }
        number += 1;
    }
}

/// Does something to a grant.
pub(super) async fn step(
    mut client: KeyClient,
    step: Step,
    (campaign, grant): &GrantName,
) -> (Result<klout_proto::perk::v1::Grant, Status>, Call) {
    let (campaign, grant) = (campaign.clone(), grant.clone());
    let began = Instant::now();
    let answered = match step {
        Step::Confirm => {
            let request = ConfirmGrantRequest { campaign, grant };
            client.confirm_grant(request).await.map(|it| it.into_inner().grant)
        }
        Step::Release => {
            let request = ReleaseGrantRequest { campaign, grant };
            client.release_grant(request).await.map(|it| it.into_inner().grant)
        }
        Step::Reverse => {
            let request = ReverseGrantRequest { campaign, grant, why: "at random".to_owned() };
            client.reverse_grant(request).await.map(|it| it.into_inner().grant)
        }
    };
    (answered.map(Option::unwrap_or_default), Call { began, ended: Instant::now() })
}

/// Whoever has this stay has booked the plainest room at the first property.
pub(super) fn check_in(stay: u32, free: &[(&str, i32)]) -> DecideCheckInRequest {
    let person = i64::from(stay) % PEOPLE + 1;
    let upgrade = |(category, available): &(&str, i32)| AvailableUpgrade {
        category: (*category).to_owned(),
        available: Some(*available),
    };
    DecideCheckInRequest {
        property: PROPERTIES[0].to_owned(),
        stay: stay.to_string(),
        guest: Some(Guest { person: person.to_string(), ..Default::default() }),
        booked_category: "KING".to_owned(),
        upgrades: free.iter().map(upgrade).collect(),
        deadline: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
    }
}

/// Asks of a stay until what is told is written down. Fails with a flaw.
pub(super) async fn decide(
    door: &Door,
    first: usize,
    request: &DecideCheckInRequest,
) -> Result<(klout_proto::perk::v1::DecideCheckInResponse, Call), String> {
    let mut number = first;
    loop {
        let began = Instant::now();
        match door.client(number).decide_check_in(request.clone()).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                if answer.recorded {
                    return Ok((answer, Call { began, ended: Instant::now() }));
                }
                if !UNRECORDED.contains(&answer.reason.as_str()) || answer.outcome == "OFFER" {
                    return Err(format!("{answer:?} of {} is not written down", request.stay));
                }
            }
            Err(status) if is_trouble(&status) => {}
            Err(status) => return Err(format!("{request:?} was refused: {status}")),
        }
        tokio::time::sleep(PAUSE).await;
        number += 1;
    }
}
