//! Decides while a guest waits.
//!
//! A desk never waits for what cannot be found out: whoever decides has until the deadline, and then the desk is told
//! that there is no offer. What was under way goes on, in a task that gives back what it reserved, by its id. What was
//! told of a stay is told again; what could not be found out is not written down, and found out anew.
//!
//! Two calls about one stay, on whichever replicas, cannot both decide: the first one to hold the stay does, and the other
//! one tells the same, and says so in the row, so that the first one does not withdraw what was told.

pub(crate) mod arrivals;
mod guest;
mod offers;
mod question;
mod sandbox;
mod settle;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use klout_chassis::{Caller, Clock, Lookups, Seen, time_left};
use klout_model::{AccountKey, PersonId};
use klout_store::ending;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, instrument};

use self::{guest::Found, offers::Offer, question::Question, settle::Settler};
pub(crate) use self::{
    question::{Asked, DEADLINE},
    sandbox::CAMPAIGN as SANDBOX_CAMPAIGN,
};
use crate::{
    campaigns::Campaigns,
    check_in::{self, CheckIn},
    decide::{HoldOut, Outcome},
    error::Error,
    facts::FactsGatherer,
    grants::{Ask, Granter},
    metrics::DeskMetrics,
    passes::Passes,
    properties::Properties,
    store::{self, check_in::CheckIn as Told},
    together::Together,
};

/// What is kept back of a deadline for the way to the caller: a tenth, between these.
const MARGIN_MIN: Duration = Duration::from_millis(5);
const MARGIN_MAX: Duration = Duration::from_millis(50);

/// How long it may take to read what desks were told: it ends what waits for a connection that is dead without a word.
const READ_TIME_MAX: Duration = Duration::from_secs(2);

/// Why a desk is told nothing of a guest who is nobody.
const GUEST_UNKNOWN: &str = "GUEST_UNKNOWN";

/// Why a desk is told nothing of a stay whose offer is another guest's, or for another room.
const STAY_REUSED: &str = "STAY_REUSED";

/// Why a desk is told nothing when the others do not answer.
const PEER_UNAVAILABLE: &str = "PEER_UNAVAILABLE";

/// Why nothing is told of an offer any more.
const GRANT_ENDED: &str = "GRANT_ENDED";

/// Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Desk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: PgPool,
    clock: Clock,
    properties: Properties,
    campaigns: Campaigns,
    facts: FactsGatherer,
    granter: Granter,
    passes: Passes,
    hold_out: HoldOut,
    lookups: Lookups,
    /// Makes fingerprints of guests, from which nobody can guess an address.
    fingerprints: [u8; 32],
    /// Who asks what was told of a stay.
    together: Together<(String, String), Told>,
    metrics: DeskMetrics,
    tasks: TaskTracker,
    going_down: CancellationToken,
}

/// What a desk needs.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) db: PgPool,
    pub(crate) clock: Clock,
    pub(crate) properties: Properties,
    pub(crate) campaigns: Campaigns,
    pub(crate) facts: FactsGatherer,
    pub(crate) granter: Granter,
    pub(crate) passes: Passes,
    pub(crate) hold_out: HoldOut,
    pub(crate) lookups: Lookups,
    pub(crate) going_down: CancellationToken,
}

/// What a desk is told.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) told: Told,
    pub(crate) expire_time: Option<OffsetDateTime>,
    pub(crate) is_sandbox: bool,
    pub(crate) is_recorded: bool,
    pub(crate) is_repeat: bool,
}

/// What of a stay is the same in all that may be told of it.
#[derive(Clone, Debug)]
struct Stay {
    question: Question,
    caller: Caller,
    attempt: i64,
    /// What tells the guest from others.
    guest: [u8; 32],
    /// What tells the booked category from others.
    room: [u8; 32],
    /// When to stop waiting for others.
    end: Instant,
}

// === impl Desk ===

impl Desk {
    pub(crate) fn new(parts: Parts, account_key: &AccountKey) -> Self {
        let Parts {
            db,
            clock,
            properties,
            campaigns,
            facts,
            granter,
            passes,
            hold_out,
            lookups,
            going_down,
        } = parts;
        let fingerprints = account_key.derived("perks check-in");
        let tasks = TaskTracker::new();
        Self(Arc::new(Inner {
            db,
            clock,
            properties,
            campaigns,
            facts,
            granter,
            passes,
            hold_out,
            lookups,
            fingerprints,
            together: Together::default(),
            metrics: DeskMetrics::new(),
            tasks,
            going_down,
        }))
    }

    /// Decides on a stay, within its deadline. Fails for what its caller can mend alone.
    #[instrument(name = "decide_check_in", skip_all)]
    pub(crate) async fn decide(&self, caller: &Caller, asked: Asked) -> Result<Answer, Error> {
        asked.check()?;
        let answer = self.answer(caller, asked).await?;
        self.0.metrics.told(&answer.told.reason);
        Ok(answer)
    }

    /// Waits for what is still to be given back, until nobody can wait any longer.
    pub(crate) async fn end(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.together.end().await;
    }

    async fn answer(&self, caller: &Caller, asked: Asked) -> Result<Answer, Error> {
        let time = time_left().map_or(asked.deadline, |left| left.min(asked.deadline));
        let end = Instant::now() + time.saturating_sub((time / 10).clamp(MARGIN_MIN, MARGIN_MAX));
        let patience = end.saturating_duration_since(Instant::now()) / 2;
        let property = match self.0.properties.get_within(&asked.property, patience).await {
            Ok(property) => property,
            Err(error) if error.is_of_store() => {
                debug!(error = &error as &dyn std::error::Error, "the property cannot be read");
                let told = self.nothing(asked.property, asked.stay, "STORE_UNAVAILABLE");
                return Ok(Answer::unrecorded(told, false));
            }
            Err(error) => return Err(error),
        };
        let is_sandbox = property.is_sandbox;
        let question = Question::new(property, asked)?;
        let (guest, room) = (self.guest(&question.guest), self.room(&question));
        let attempt = rand::random_range(1..=i64::MAX);
        let stay = Stay { question, caller: caller.clone(), attempt, guest, room, end };
        let (property, name) =
            (stay.question.property.property.clone(), stay.question.stay.clone());
        let (answer, mut answered) = oneshot::channel();
        let desk = self.clone();
        self.0.tasks.spawn(async move {
            let mut settler = Settler::new(&desk, &stay);
            let found = desk.find_out(&stay, &mut settler).await;
            // Of a reservation that ended in an error it is not known whether it was made.
            let is_unclear = found.is_err() && settler.is_reserving();
            if answer.send(found).is_err() || is_unclear {
                settler.settle().await;
            }
        });
        let found = match timeout_at(end, &mut answered).await {
            Ok(found) => found.ok(),
            Err(_) => {
                // From here on it is the task that knows that it came too late.
                answered.close();
                answered.try_recv().ok()
            }
        };
        match found {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => {
                debug!(error = &error as &dyn std::error::Error, "a desk is told nothing");
                let reason = if matches!(error, Error::PersonUnknown) {
                    // Who has left meanwhile.
                    GUEST_UNKNOWN
                } else if error.is_of_store() {
                    "STORE_UNAVAILABLE"
                } else if Instant::now() >= end {
                    "DEADLINE_PASSED"
                } else {
                    PEER_UNAVAILABLE
                };
                Ok(Answer::unrecorded(self.nothing(property, name, reason), is_sandbox))
            }
            None => {
                let told = self.nothing(property, name, "DEADLINE_PASSED");
                Ok(Answer::unrecorded(told, is_sandbox))
            }
        }
    }

    async fn find_out(&self, stay: &Stay, settler: &mut Settler) -> Result<Answer, Error> {
        loop {
            if let Some(answer) = stay.in_time(self.told_before(stay)).await? {
                return Ok(answer);
            }
            let found = if stay.question.property.is_sandbox {
                sandbox::decide(self, stay).await
            } else {
                self.decide_now(stay, settler).await
            };
            match found {
                // Another call about the stay was faster: it has told what this one tells again.
                Err(Error::StayDecided) => {}
                found => return found,
            }
        }
    }

    /// What was told of the stay before; `None`: nothing that still holds.
    async fn told_before(&self, stay: &Stay) -> Result<Option<Answer>, Error> {
        let (db, Question { property, stay: name, .. }) = (&self.0.db, &stay.question);
        let Some(mut told) = self.written_down(&property.property, name).await? else {
            return Ok(None);
        };
        if told.is_withdrawn {
            self.give_back(&told).await?;
            return Ok(None);
        }
        if told.fingerprint != stay.fingerprint() {
            if self.offered_until(stay, &told).is_none() {
                // Nobody has anything by it, so it is decided anew, for who it is now.
                self.give_back(&told).await?;
                let withdrawn =
                    store::check_in::withdraw(db, &property.property, name, told.attempt, true)
                        .await;
                withdrawn.map_err(Error::store("withdraw what a desk was told"))?;
                return Ok(None);
            }
            if !self.is_same_person(stay, &told).await? {
                let told = self.nothing(property.property.clone(), name.clone(), STAY_REUSED);
                return Ok(Some(Answer::unrecorded(told, property.is_sandbox)));
            }
        }
        // Whoever decided it may be too late for its own desk, and about to withdraw it.
        let kept = store::check_in::tell_again(db, &property.property, name, told.attempt).await;
        if !kept.map_err(Error::store("tell again what a desk was told"))? {
            self.give_back(&told).await?;
            return Ok(None);
        }
        if let Some(person) = told.person.and_then(PersonId::new)
            && !self.consents(person).await?
        {
            told = self.unknown(stay, "");
        }
        let expire_time = self.offered_until(stay, &told);
        if told.is_offer && expire_time.is_none() {
            told = ended(told);
        }
        if let Some(person) = told.person.and_then(PersonId::new) {
            self.0.lookups.note(&stay.caller, Seen::Perks, person);
        }
        let is_sandbox = property.is_sandbox;
        Ok(Some(Answer { told, expire_time, is_sandbox, is_recorded: true, is_repeat: true }))
    }

    /// What is written down of a stay, and what became of the grant. One whose time is over is ended first: whoever
    /// confirms it may have been in time, and then it has not ended.
    async fn written_down(&self, property: &str, stay: &str) -> Result<Option<Told>, Error> {
        loop {
            // Before it is read: later the time may be over of what was confirmed since.
            let now = self.0.clock.now();
            match self.told(property, stay).await? {
                Some(told) if told.is_over(now) => self.give_back(&told).await?,
                found => return Ok(found),
            }
        }
    }

    /// What is written down of a stay. Desks that ask at once ask together.
    async fn told(&self, property: &str, stay: &str) -> Result<Option<Told>, Error> {
        let db = self.0.db.clone();
        let find = move |stays: Vec<(String, String)>| {
            let db = db.clone();
            async move {
                let found = ending(READ_TIME_MAX, store::check_in::find(&db, &stays)).await;
                let found = found.map_err(Error::store("read what a desk was told"))?;
                let named = |told: Told| ((told.property.clone(), told.stay.clone()), told);
                Ok(found.into_iter().map(named).collect())
            }
        };
        self.0.together.ask((property.to_owned(), stay.to_owned()), find).await
    }

    /// Until when what was offered waits, or waited until it was confirmed. `None`: nobody has anything by it.
    fn offered_until(&self, stay: &Stay, told: &Told) -> Option<OffsetDateTime> {
        if stay.question.property.is_sandbox {
            let now = self.0.clock.now();
            return sandbox::expire_time(told).filter(|it| *it > now);
        }
        let grant = told.grant_state.as_ref().filter(|_| told.is_offer)?;
        matches!(grant.state.as_str(), "RESERVED" | "CONFIRMED").then_some(grant.expire_time)
    }

    /// Whether a stay is asked about for the guest and the room for whom it was told, by other names.
    async fn is_same_person(&self, stay: &Stay, told: &Told) -> Result<bool, Error> {
        let is_same_room = told.fingerprint.ends_with(&stay.room);
        let Some(person) = told.person.filter(|_| is_same_room) else { return Ok(false) };
        let found = self.find_guest(stay).await?;
        Ok(found.is_ok_and(|found| found.person.id.get() == person))
    }

    /// Gives back what was reserved for an attempt that was withdrawn, as whoever withdrew it is about to: until then
    /// the stay has its grant, and would get no other one.
    async fn give_back(&self, told: &Told) -> Result<(), Error> {
        let is_reserved = told.grant_state.as_ref().is_some_and(|it| it.state == "RESERVED");
        let Some((campaign, grant)) = told.campaign.zip(told.grant).filter(|_| is_reserved) else {
            return Ok(());
        };
        match self.0.granter.release(campaign, grant).await {
            // It ended meanwhile by itself, or somebody has confirmed it.
            Ok(_)
            | Err(Error::GrantEnded { .. } | Error::GrantConfirmed | Error::GrantUnknown { .. }) => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn decide_now(&self, stay: &Stay, settler: &mut Settler) -> Result<Answer, Error> {
        let question = &stay.question;
        let found = match stay.in_time(self.find_guest(stay)).await? {
            Ok(found) => found,
            Err(guest::Nobody { problem, is_lasting: true }) => {
                return self.write_down(stay, self.unknown(stay, problem)).await;
            }
            Err(guest::Nobody { problem, is_lasting: false }) => {
                return Ok(Answer::unrecorded(self.unknown(stay, problem), false));
            }
        };
        self.0.lookups.note(&stay.caller, Seen::Perks, found.person.id);
        let campaigns = stay.in_time(self.0.campaigns.active()).await?;
        let now = self.0.clock.now();
        let offers = match offers::of(question, &campaigns, &found.person, now, &self.0.hold_out) {
            Ok(offers) => offers,
            Err(reason) => return self.write_down(stay, self.refusal(stay, &found, reason)).await,
        };
        let is_given = offers.iter().any(|it| it.verdict.outcome == Outcome::Eligible);
        if found.is_fallback && !is_given {
            // What is not known may be what is missing, so this is found out anew.
            let (property, name) = (question.property.property.clone(), question.stay.clone());
            let told = self.nothing(property, name, PEER_UNAVAILABLE);
            return Ok(Answer::unrecorded(told, false));
        }
        let mut offers = VecDeque::from(offers);
        let mut tried = 0;
        while let Some(offer) = offers.pop_front() {
            let is_last = offers.is_empty();
            let check_in = self.check_in(stay, &found, &offer, is_last);
            let (campaign, category) = (offer.campaign.id, offer.category.clone());
            let ask = Ask {
                campaign: Arc::clone(&offer.campaign),
                person: found.person.id,
                known: found.person.facts.clone(),
                verdict: offer.verdict,
                property: question.property.property.clone(),
                stay: question.stay.clone(),
                category: offer.category,
                caller: stay.caller.clone(),
                request_id: format!("check-in:{:016x}:{tried}", stay.attempt),
                fingerprint: self.hash(&stay.fingerprint()),
                check_in: Some(check_in.clone()),
            };
            tried += 1;
            stay.check_time()?;
            settler.reserving(&ask);
            let decided = self.0.granter.reserve(ask).await?;
            let Some(grant) = decided.grant else {
                settler.nothing_taken();
                let outcome = decided.decision.outcome.as_str();
                offers.retain(|it| offers::may_follow(outcome, (campaign, &category), it));
                if !offers.is_empty() {
                    continue;
                }
                let check_in = CheckIn { is_last: true, ..check_in };
                let Some(told) = check_in.told_of(outcome, None) else { break };
                if is_last {
                    return Ok(Answer::recorded(told, None));
                }
                // When it was asked for, something else was still to be tried.
                return self.write_down(stay, told).await;
            };
            let told = Told { grant: Some(grant.id), ..check_in.told };
            return Ok(Answer::recorded(told, Some(grant.expire_time)));
        }
        // The last one was answered.
        Err(Error::StayDecided)
    }

    /// What the desk is told if this is given.
    fn check_in(&self, stay: &Stay, found: &Found, offer: &Offer, is_last: bool) -> CheckIn {
        let Offer { campaign, category, available, verdict } = offer;
        let property = &stay.question.property;
        let told = Told {
            is_offer: true,
            reason: check_in::reason(Outcome::Reserved.as_str()).to_owned(),
            explanation: check_in::explanation(Outcome::Reserved.as_str(), ""),
            line: offers::line(campaign, property, category),
            category: category.clone(),
            disclosure: campaign.spec.proto.disclosure.clone(),
            campaign: Some(campaign.id),
            ..self.about(stay, found)
        };
        let failed_rule = offers::failed_rule(campaign, verdict);
        CheckIn { told, available: *available, is_last, failed_rule }
    }

    /// There is nothing for somebody who was found.
    fn refusal(&self, stay: &Stay, found: &Found, reason: &str) -> Told {
        let explanation = check_in::explanation(reason, "");
        Told { reason: reason.to_owned(), explanation, ..self.about(stay, found) }
    }

    fn about(&self, stay: &Stay, found: &Found) -> Told {
        let person = &found.person;
        Told {
            person: Some(person.id.get()),
            is_stale: person.facts.stale,
            score_time: person.facts.score_time,
            ..self.blank(stay)
        }
    }

    /// Nobody was found.
    fn unknown(&self, stay: &Stay, problem: &str) -> Told {
        let explanation = if problem.is_empty() {
            check_in::explanation(GUEST_UNKNOWN, "")
        } else {
            problem.to_owned()
        };
        Told { reason: GUEST_UNKNOWN.to_owned(), explanation, ..self.blank(stay) }
    }

    fn blank(&self, stay: &Stay) -> Told {
        Told {
            attempt: stay.attempt,
            fingerprint: stay.fingerprint(),
            caller: stay.caller.name().to_owned(),
            ..self.nothing(stay.question.property.property.clone(), stay.question.stay.clone(), "")
        }
    }

    /// There is nothing, as something cannot be found out.
    fn nothing(&self, property: String, stay: String, reason: &str) -> Told {
        Told {
            property,
            stay,
            attempt: 0,
            is_withdrawn: false,
            fingerprint: Vec::new(),
            caller: String::new(),
            person: None,
            is_offer: false,
            reason: reason.to_owned(),
            explanation: check_in::explanation(reason, ""),
            line: String::new(),
            category: String::new(),
            disclosure: String::new(),
            campaign: None,
            grant: None,
            grant_state: None,
            is_stale: false,
            score_time: None,
            // Of the store's microseconds, so that a repeat says the same.
            decide_time: self.0.granter.now(),
        }
    }

    /// Writes down that there is nothing.
    async fn write_down(&self, stay: &Stay, told: Told) -> Result<Answer, Error> {
        stay.check_time()?;
        let store = Error::store;
        let mut transaction = self.0.db.begin().await.map_err(store("begin to write down"))?;
        let people: Vec<i64> = told.person.into_iter().collect();
        let gone = store::person_state::share_and_find_gone(&mut transaction, &people).await;
        if !gone.map_err(store("look who has left"))?.is_empty() {
            return Err(Error::PersonUnknown);
        }
        // A campaign's group may be about to make an offer for it.
        let stay = (told.property.as_str(), told.stay.as_str());
        let held = store::check_in::hold(&mut transaction, &[stay]).await;
        held.map_err(store("hold a stay"))?;
        let held = store::check_in::held(&mut transaction, &[stay], &[], told.decide_time).await;
        if !held.map_err(store("look whether a stay is decided"))?.decided.is_empty() {
            return Err(Error::StayDecided);
        }
        let kept = store::check_in::keep(&mut transaction, std::slice::from_ref(&told)).await;
        if kept.map_err(store("write down what a desk is told"))? == 0 {
            return Err(Error::StayDecided);
        }
        transaction.commit().await.map_err(store("commit what a desk is told"))?;
        Ok(Answer::recorded(told, None))
    }
}

/// What was offered cannot be had any more.
fn ended(told: Told) -> Told {
    Told {
        is_offer: false,
        reason: GRANT_ENDED.to_owned(),
        explanation: check_in::explanation(GRANT_ENDED, ""),
        line: String::new(),
        category: String::new(),
        disclosure: String::new(),
        ..told
    }
}

// === impl Stay ===

impl Stay {
    /// Of the guest and the room.
    fn fingerprint(&self) -> Vec<u8> {
        [self.guest, self.room].concat()
    }

    /// Nothing begins after the desk was answered: nobody would be told.
    fn check_time(&self) -> Result<(), Error> {
        if Instant::now() >= self.end { Err(Error::Slow) } else { Ok(()) }
    }

    /// What takes longer than the desk waits is given up.
    async fn in_time<T>(
        &self,
        finding: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        timeout_at(self.end, finding).await.unwrap_or(Err(Error::Slow))
    }
}

// === impl Answer ===

impl Answer {
    fn recorded(told: Told, expire_time: Option<OffsetDateTime>) -> Self {
        Self { told, expire_time, is_sandbox: false, is_recorded: true, is_repeat: false }
    }

    /// What is found out anew when the desk asks again.
    fn unrecorded(told: Told, is_sandbox: bool) -> Self {
        Self { told, expire_time: None, is_sandbox, is_recorded: false, is_repeat: false }
    }
}
