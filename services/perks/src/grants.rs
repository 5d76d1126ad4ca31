//! Gives what campaigns offer: reserves, confirms, releases, takes back, and remembers what was decided.
//!
//! All that moves stock and budgets of campaigns in this process waits in one line, and is done together: a group of it in
//! one transaction that holds the rows of its campaigns ([`group`]). Who comes meanwhile is in the next group. Replicas wait
//! for one another at a row. So a campaign gives as much as its rows say and no more, and what a group costs is shared by
//! all who are in it.

mod code;
pub(crate) mod expire;
mod group;
mod ledger;
mod line;
pub(crate) mod replay;

use std::{sync::Arc, time::Duration};

use klout_chassis::{Caller, Clock};
use klout_model::PersonId;
use klout_perk_rules::{GrantState, RuleOutcome, Step};
use klout_proto::perk::v1::Facts;
use klout_store::Reads;
use prost::Message as _;
use sqlx::PgPool;
use time::{Date, OffsetDateTime};
use tracing::instrument;

pub(crate) use self::ledger::unique_key;
use self::line::{Done, Line, Wish};
use crate::{
    campaigns::{Campaigns, Compiled},
    check_in::CheckIn,
    decide::{HoldOut, Outcome, Verdict},
    error::Error,
    facts::Known,
    metrics::GrantMetrics,
    store,
    together::Together,
};

/// What somebody is to get, if it is still there.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) campaign: Arc<Compiled>,
    pub(crate) person: PersonId,
    pub(crate) known: Known,
    /// What `campaign` says about the person, without a look at what is left.
    pub(crate) verdict: Verdict,
    /// Empty: at none.
    pub(crate) property: String,
    /// Empty: for none.
    pub(crate) stay: String,
    /// Empty: none.
    pub(crate) category: String,
    pub(crate) caller: Caller,
    pub(crate) request_id: String,
    /// Tells whether a repeated request asks the same.
    pub(crate) fingerprint: [u8; 32],
    /// What is told at a desk, and written down with the decision. `None`: no desk asks.
    pub(crate) check_in: Option<CheckIn>,
}

/// What was decided, and by which version.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    pub(crate) decision: Recorded,
    /// In the order of the campaign's rules. `None`: nobody can say any more, as the person was erased.
    pub(crate) rules: Option<Vec<RuleOutcome>>,
    /// The version that decided.
    pub(crate) campaign: Arc<Compiled>,
    /// As it is now.
    pub(crate) grant: Option<Grant>,
}

/// A decision as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) campaign: i64,
    pub(crate) id: i64,
    pub(crate) caller: String,
    pub(crate) request_id: String,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) version: i32,
    /// `None`: they were erased.
    pub(crate) person: Option<i64>,
    pub(crate) property: String,
    pub(crate) stay: String,
    /// In the words of [`Outcome`](crate::decide::Outcome).
    pub(crate) outcome: String,
    /// A `klout.perk.v1.Facts`. `None`: the person was erased.
    pub(crate) facts: Option<Vec<u8>>,
    pub(crate) grant: Option<i64>,
    /// In the words of the caller's key.
    pub(crate) purpose: String,
    pub(crate) decide_time: OffsetDateTime,
}

/// A request as its caller named it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RequestName {
    pub(crate) caller: String,
    pub(crate) request_id: String,
}

/// What somebody got, or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) campaign: i64,
    pub(crate) id: i64,
    /// That decided.
    pub(crate) version: i32,
    /// `None`: they were erased.
    pub(crate) person: Option<i64>,
    pub(crate) property: String,
    pub(crate) stay: String,
    pub(crate) category: String,
    /// As it was written down: see [`GrantState::at`].
    pub(crate) state: GrantState,
    /// What can have one alone.
    pub(crate) unique_key: String,
    pub(crate) minor_units: i64,
    /// The UTC day whose budget it took.
    pub(crate) day: Date,
    /// To be told once it is confirmed.
    pub(crate) code: Option<String>,
    /// Why it was taken back.
    pub(crate) why: String,
    pub(crate) reserve_time: OffsetDateTime,
    pub(crate) expire_time: OffsetDateTime,
    pub(crate) confirm_time: Option<OffsetDateTime>,
    pub(crate) end_time: Option<OffsetDateTime>,
}

/// What a campaign counts its grants by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Person(i64),
    Property(String),
    /// UTC.
    Day(Date),
}

/// Gives what campaigns offer. Clones give together.
#[derive(Clone, Debug)]
pub(crate) struct Granter {
    db: PgPool,
    /// For what each reservation looks for first, with all others that do.
    reads: Reads,
    together: Together<(i64, RequestName), Recorded>,
    campaigns: Campaigns,
    hold_out: HoldOut,
    clock: Clock,
    line: Line,
    metrics: Arc<GrantMetrics>,
}

// === impl Key ===

impl Key {
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Person(_) => "PERSON",
            Self::Property(_) => "PROPERTY",
            Self::Day(_) => "DAY",
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Person(person) => person.to_string(),
            Self::Property(property) => property.clone(),
            Self::Day(day) => day.to_string(),
        }
    }

    /// Of what counts the grant.
    fn of(grant: &Grant) -> impl Iterator<Item = Self> {
        let person = grant.person.map(Self::Person);
        let property = Some(grant.property.clone()).filter(|it| !it.is_empty());
        person.into_iter().chain(property.map(Self::Property)).chain([Self::Day(grant.day)])
    }
}

// === impl Granter ===

impl Granter {
    pub(crate) fn new(db: PgPool, campaigns: Campaigns, hold_out: HoldOut, clock: Clock) -> Self {
        let reads = Reads::new(db.clone(), READ_TIME_MAX);
        let metrics = Arc::new(GrantMetrics::new());
        Self {
            db,
            reads,
            together: Together::default(),
            campaigns,
            hold_out,
            clock,
            line: Line::new(Arc::clone(&metrics)),
            metrics,
        }
    }

    /// What was decided on a request before, if anything was.
    #[instrument(name = "recorded_decision", skip_all)]
    pub(crate) async fn recorded(
        &self,
        campaign: i64,
        caller: &str,
        request_id: &str,
    ) -> Result<Option<Decided>, Error> {
        let (caller, request_id) = (caller.to_owned(), request_id.to_owned());
        let name = RequestName { caller, request_id };
        let reads = self.reads.clone();
        let find = move |requests: Vec<(i64, RequestName)>| {
            let (reads, requests): (_, Arc<[_]>) = (reads.clone(), requests.into());
            async move {
                let found = reads.read(|db| {
                    let requests = Arc::clone(&requests);
                    Box::pin(async move { store::decision::by_request(db, &requests).await })
                });
                let found = found.await.map_err(Error::store("look for requests"))?;
                Ok(found.into_iter().map(|it| ((it.campaign, it.name()), it)).collect())
            }
        };
        match self.together.ask((campaign, name), find).await? {
            Some(decision) => self.retold(decision).await.map(Some),
            None => Ok(None),
        }
    }

    /// Decides, writes down what was decided, and takes what is given. What was decided on the request before is
    /// answered again.
    #[instrument(name = "reserve_grant", skip_all)]
    pub(crate) async fn reserve(&self, ask: Ask) -> Result<Decided, Error> {
        let campaign = ask.campaign.id;
        match self.line.stand(self, campaign, Wish::Reserve(Box::new(ask))).await? {
            Done::Decided(decided) => Ok(*decided),
            // Another process, or another call of this one, was faster.
            Done::Known(RequestName { caller, request_id }) => {
                let recorded = self.recorded(campaign, &caller, &request_id).await?;
                recorded.ok_or(Error::GroupLost)
            }
            Done::Stepped(_) | Done::Expired(_) => Err(Error::GroupLost),
        }
    }

    /// Gives what was reserved.
    pub(crate) async fn confirm(&self, campaign: i64, grant: i64) -> Result<Grant, Error> {
        self.step(campaign, grant, Step::Confirm, String::new()).await
    }

    /// Gives back what was reserved.
    pub(crate) async fn release(&self, campaign: i64, grant: i64) -> Result<Grant, Error> {
        self.step(campaign, grant, Step::Release, String::new()).await
    }

    /// Takes back what was confirmed.
    pub(crate) async fn reverse(
        &self,
        campaign: i64,
        grant: i64,
        why: String,
    ) -> Result<Grant, Error> {
        self.step(campaign, grant, Step::Reverse, why).await
    }

    async fn step(
        &self,
        campaign: i64,
        grant: i64,
        step: Step,
        why: String,
    ) -> Result<Grant, Error> {
        match self.line.stand(self, campaign, Wish::Step { grant, step, why }).await? {
            Done::Stepped(grant) => Ok(*grant),
            Done::Decided(_) | Done::Known(_) | Done::Expired(_) => Err(Error::GroupLost),
        }
    }

    /// Has decisions say nothing of people who have left since. For what was read before.
    pub(crate) async fn hide_gone(&self, decisions: &mut [Recorded]) -> Result<(), Error> {
        let people: Vec<i64> = decisions.iter().filter_map(|it| it.person).collect();
        let gone = store::person_state::masked(&self.db, &people).await;
        let gone = gone.map_err(Error::store("look who has left"))?;
        for decision in decisions {
            if decision.person.is_some_and(|it| gone.contains(&it)) {
                (decision.person, decision.facts) = (None, None);
            }
        }
        Ok(())
    }

    /// A decision with its grant and all that follows from it. Of who has left nobody is told that one was made.
    async fn retold(&self, decision: Recorded) -> Result<Decided, Error> {
        let person: Vec<i64> = decision.person.into_iter().collect();
        let gone = store::person_state::gone(&self.db, &person).await;
        if !gone.map_err(Error::store("look who has left"))?.is_empty() {
            return Err(Error::PersonUnknown);
        }
        let mut decided = self.explained(decision).await?;
        if let Some(grant) = decided.decision.grant {
            let found = store::grant::find(&self.db, decided.decision.campaign, grant).await;
            decided.grant = found.map_err(Error::store("read a grant"))?;
        }
        Ok(decided)
    }

    /// A decision with what each rule said, and without the grant.
    pub(crate) async fn explained(&self, decision: Recorded) -> Result<Decided, Error> {
        let campaign = self.campaigns.version(decision.campaign, decision.version).await?;
        // As when it was decided: what gives nothing to anybody looks at no rule.
        let looks = !Outcome::looks_at_no_rule(&decision.outcome);
        let evaluate = |known: Known| {
            let rules = campaign.rules.iter().filter(|_| looks);
            rules.map(|rule| rule.evaluate(&known.rules)).collect()
        };
        let rules = decision.known().map(evaluate);
        Ok(Decided { decision, rules, campaign, grant: None })
    }

    /// Waits for the groups that are under way.
    pub(crate) async fn end(&self) {
        self.line.end().await;
        self.together.end().await;
        self.reads.end();
    }

    /// What time it is, in the microseconds that the store keeps: the first answer and the next say the same.
    pub(crate) fn now(&self) -> OffsetDateTime {
        let now = self.clock.now();
        now.replace_nanosecond(now.microsecond() * 1_000).expect("below a second")
    }
}

// === impl Ask ===

impl Ask {
    fn name(&self) -> RequestName {
        RequestName { caller: self.caller.name().to_owned(), request_id: self.request_id.clone() }
    }
}

// === impl Recorded ===

impl Recorded {
    fn name(&self) -> RequestName {
        RequestName { caller: self.caller.clone(), request_id: self.request_id.clone() }
    }

    /// From what it was decided. `None`: the person was erased.
    pub(crate) fn known(&self) -> Option<Known> {
        // Only this service writes them.
        let facts = self.facts.as_deref().map(Facts::decode)?;
        facts.ok().map(Known::from)
    }
}

/// How long it may take to look for a request.
const READ_TIME_MAX: Duration = Duration::from_secs(2);

/// Two of them meet with a chance of n²/2⁶⁴.
fn random_id() -> i64 {
    rand::random_range(1..=i64::MAX)
}
