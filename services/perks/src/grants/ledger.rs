//! What a campaign gave, and may still give, while a group is done: everything is decided here in memory, one after the
//! other, and then written at once. Nothing here waits.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use klout_perk_rules::{GrantState, Step, StepRefused, Taken};
use klout_proto::perk::v1::Facts;
use prost::Message as _;
use time::OffsetDateTime;

use super::{Ask, Decided, Grant, Key, Recorded, code, random_id};
use crate::{
    campaigns::Compiled,
    decide::{Outcome, Verdict, left},
    error::Error,
    spec::{Codes, Spec, UniquePer},
    store::ledger::{Change, Held},
};

/// A campaign's books.
#[derive(Debug)]
pub(super) struct Ledger {
    now: OffsetDateTime,
    held: Held,
    /// Of the keys that are asked about.
    budgets: HashMap<Key, i64>,
    /// Those that a group has to know, and those that it gives.
    grants: BTreeMap<i64, Grant>,
    /// Who takes which key: more than one of a person who was merged from several that had one each.
    holders: BTreeMap<String, BTreeSet<i64>>,
    /// Uploaded ones that nobody has.
    codes: VecDeque<String>,
    entries: Entries,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) moved: BTreeSet<i64>,
    pub(super) decisions: Vec<Recorded>,
    pub(super) change: Change,
    pub(super) budgets: HashMap<Key, i64>,
    /// Who got which.
    pub(super) codes_given: Vec<(String, i64)>,
    /// Who had one that somebody else may get.
    pub(super) codes_returned: Vec<i64>,
}

// === impl Ledger ===

impl Ledger {
    pub(super) fn open(now: OffsetDateTime, held: Held) -> Self {
        Self {
            now,
            held,
            budgets: HashMap::new(),
            grants: BTreeMap::new(),
            holders: BTreeMap::new(),
            codes: VecDeque::new(),
            entries: Entries::default(),
        }
    }

    /// Whose books these are.
    pub(super) const fn campaign(&self) -> i64 {
        self.held.campaign
    }

    /// `grants`: all of this campaign that the group names, that hold a key that it asks for, that its people have where
    /// each has one alone, or whose time is over.
    pub(super) fn bring_grants(&mut self, grants: Vec<Grant>) {
        for grant in grants.iter().filter(|it| it.state.holds()) {
            for key in keys_of(grant) {
                self.holders.entry(key).or_default().insert(grant.id);
            }
        }
        self.grants = grants.into_iter().map(|it| (it.id, it)).collect();
    }

    /// What is counted by these keys as it was before, and which codes are left.
    pub(super) fn bring(&mut self, budgets: HashMap<Key, i64>, codes: Vec<String>) {
        self.budgets = budgets;
        // What the books say already came after that.
        for (key, count) in &self.entries.budgets {
            if let Some(taken) = self.budgets.get_mut(key) {
                *taken += count;
            }
        }
        self.codes = codes.into();
    }

    /// Ends every reservation whose time is over. Returns how many.
    pub(super) fn expire(&mut self) -> usize {
        let now = self.now;
        let is_due = |it: &&Grant| it.state == GrantState::Reserved && it.expire_time <= now;
        let due: Vec<i64> = self.grants.values().filter(is_due).map(|it| it.id).collect();
        let ended = due.iter().filter(|grant| {
            let step = self.step(**grant, Step::Expire, "");
            step.is_ok_and(|it| it.state == GrantState::Expired)
        });
        ended.count()
    }

    /// Does something to a grant. Returns what it is then.
    pub(super) fn step(&mut self, grant: i64, step: Step, why: &str) -> Result<Grant, Error> {
        let (now, entries) = (self.now, &mut self.entries);
        let found = self.grants.get_mut(&grant);
        let grant = found.ok_or_else(|| Error::GrantUnknown { grant: grant.to_string() })?;
        let change = grant.state.step(step, grant.expire_time, now)?;
        if let Some(state) = change.state {
            grant.state = state;
            match step {
                Step::Confirm => grant.confirm_time = Some(now),
                Step::Release => grant.end_time = Some(now),
                // Then it ended, whenever somebody came to write it down.
                Step::Expire => grant.end_time = Some(grant.expire_time),
                Step::Reverse => {
                    grant.end_time = Some(now);
                    why.clone_into(&mut grant.why);
                }
            }
            entries.moved.insert(grant.id);
            entries.change.reserved += change.reserved;
            entries.change.confirmed += change.confirmed;
            if change.returns_code && grant.code.take().is_some() {
                entries.codes_returned.push(grant.id);
            }
            if change.gives_back {
                entries.change.given_minor_units -= grant.minor_units;
                let grant = grant.clone();
                for key in keys_of(&grant) {
                    if let Some(holders) = self.holders.get_mut(&key) {
                        holders.remove(&grant.id);
                    }
                }
                self.count(&grant, -1);
                return Ok(grant);
            }
        }
        let state = grant.state.at(grant.expire_time, now);
        Ok(Grant { state, ..grant.clone() })
    }

    /// Decides on a reservation, by what the campaign says about the person.
    pub(super) fn reserve(
        &mut self,
        ask: &Ask,
        campaign: &Arc<Compiled>,
        verdict: Verdict,
    ) -> Result<Decided, Error> {
        let spec = &campaign.spec;
        let key = unique_key(spec, ask.person.get(), &ask.property, &ask.stay)?;
        let outcome = match verdict.outcome {
            Outcome::Eligible => self.admit(ask, spec, &key),
            otherwise @ (Outcome::RuleFailed
            | Outcome::PlaceFailed
            | Outcome::PropertyFailed
            | Outcome::NotActive
            | Outcome::HeldOut
            | Outcome::Shadow
            | Outcome::CategoryTaken
            | Outcome::SoldOut
            | Outcome::BudgetSpent
            | Outcome::AlreadyGranted
            | Outcome::Reserved) => otherwise,
        };
        let grant = (outcome == Outcome::Reserved).then(|| self.give(ask, campaign, key));
        let decision = Recorded {
            campaign: campaign.id,
            id: random_id(),
            caller: ask.caller.name().to_owned(),
            request_id: ask.request_id.clone(),
            fingerprint: ask.fingerprint.to_vec(),
            version: campaign.version,
            person: Some(ask.person.get()),
            property: ask.property.clone(),
            stay: ask.stay.clone(),
            outcome: outcome.as_str().to_owned(),
            facts: Some(Facts::from(&ask.known).encode_to_vec()),
            grant: grant.as_ref().map(|it| it.id),
            purpose: ask.caller.words().to_owned(),
            decide_time: self.now,
        };
        self.entries.decisions.push(decision.clone());
        Ok(Decided { decision, rules: Some(verdict.rules), campaign: Arc::clone(campaign), grant })
    }

    /// What is to be written, and the grants that it is about.
    pub(super) fn close(self) -> (Entries, BTreeMap<i64, Grant>) {
        (self.entries, self.grants)
    }

    /// Whose codes have come back so far.
    pub(super) fn take_returned_codes(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.entries.codes_returned)
    }

    /// What a person who qualifies gets, given what is left.
    fn admit(&self, ask: &Ask, spec: &Spec, key: &str) -> Outcome {
        if self.holders.get(key).is_some_and(|it| !it.is_empty()) {
            return Outcome::AlreadyGranted;
        }
        let counted = |key| self.budgets.get(&key).copied().unwrap_or(0);
        let Change { reserved, confirmed, given_minor_units } = self.entries.change;
        let taken = Taken {
            grants: self.held.reserved + self.held.confirmed + reserved + confirmed,
            minor_units: self.held.given_minor_units + given_minor_units,
            person: counted(Key::Person(ask.person.get())),
            property: counted(Key::Property(ask.property.clone())),
            day: counted(Key::Day(self.now.date())),
            codes_left: (spec.codes == Codes::Uploaded)
                .then(|| i64::try_from(self.codes.len()).unwrap_or(i64::MAX)),
        };
        let outcome = left(spec, &taken, !ask.property.is_empty());
        if outcome == Outcome::Eligible { Outcome::Reserved } else { outcome }
    }

    fn give(&mut self, ask: &Ask, campaign: &Compiled, unique_key: String) -> Grant {
        let spec = &campaign.spec;
        let id = random_id();
        let code = match spec.codes {
            Codes::None => None,
            Codes::Generated => Some(code::random()),
            Codes::Uploaded => self.codes.pop_front(),
        };
        if let Some(code) = code.as_ref().filter(|_| spec.codes == Codes::Uploaded) {
            self.entries.codes_given.push((code.clone(), id));
        }
        let grant = Grant {
            campaign: campaign.id,
            id,
            version: campaign.version,
            person: Some(ask.person.get()),
            property: ask.property.clone(),
            stay: ask.stay.clone(),
            category: ask.category.clone(),
            state: GrantState::Reserved,
            unique_key,
            minor_units: worth(spec),
            day: self.now.date(),
            code,
            why: String::new(),
            reserve_time: self.now,
            expire_time: self.now + spec.reservation_duration,
            confirm_time: None,
            end_time: None,
        };
        for key in keys_of(&grant) {
            self.holders.entry(key).or_default().insert(id);
        }
        self.entries.change.reserved += 1;
        self.entries.change.given_minor_units += grant.minor_units;
        self.count(&grant, 1);
        self.grants.insert(id, grant.clone());
        grant
    }

    fn count(&mut self, grant: &Grant, by: i64) {
        for key in Key::of(grant) {
            if let Some(taken) = self.budgets.get_mut(&key) {
                *taken += by;
            }
            *self.entries.budgets.entry(key).or_default() += by;
        }
    }
}

/// What nobody else gets while this one holds: what it was given by, and the person who has it now.
fn keys_of(grant: &Grant) -> BTreeSet<String> {
    let person = grant.person.map(of_person);
    person.into_iter().chain([grant.unique_key.clone()]).collect()
}

fn of_person(person: i64) -> String {
    format!("person:{person}")
}

/// What can have one alone.
pub(crate) fn unique_key(
    spec: &Spec,
    person: i64,
    property: &str,
    stay: &str,
) -> Result<String, Error> {
    match spec.unique_per {
        UniquePer::Person => Ok(of_person(person)),
        UniquePer::Stay if stay.is_empty() => {
            Err(Error::field("stay", "is missing: the campaign gives one for each stay"))
        }
        UniquePer::Stay => Ok(format!("stay:{property}/{stay}")),
    }
}

fn worth(spec: &Spec) -> i64 {
    spec.value.map_or(0, |it| it.minor_units.get())
}

impl From<StepRefused> for Error {
    fn from(refused: StepRefused) -> Self {
        match refused {
            StepRefused::Ended { state } => Self::GrantEnded { state: state.as_str() },
            StepRefused::Confirmed => Self::GrantConfirmed,
            StepRefused::NotConfirmed => Self::GrantNotConfirmed,
        }
    }
}
