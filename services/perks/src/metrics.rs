//! Every number that perks tells.

use std::time::Duration;

use klout_telemetry::{Counter, Gauge, Histogram, Label, Metric};

pub(crate) const METRICS: &[Metric] =
    &[DECISIONS, GROUPS, GROUPED, GROUP_DURATION, WAITING, EXPIRED, CHECK_INS, CHECK_INS_WITHDRAWN];

/// What a decision on a request can be.
const OUTCOMES: [&str; 11] = [
    "RESERVED",
    "RULE_FAILED",
    "PLACE_FAILED",
    "PROPERTY_FAILED",
    "NOT_ACTIVE",
    "HELD_OUT",
    "SHADOW",
    "CATEGORY_TAKEN",
    "SOLD_OUT",
    "BUDGET_SPENT",
    "ALREADY_GRANTED",
];

const DECISIONS: Metric = Metric::counter(
    "klout_perk_decisions_total",
    "Decisions that were written down, by what came out.",
)
.by(&[Label::these("outcome", &OUTCOMES)]);

const GROUPS: Metric = Metric::counter(
    "klout_perk_groups_total",
    "Transactions in which reservations, confirmations and the like were done together.",
);

const GROUPED: Metric = Metric::counter(
    "klout_perk_grouped_total",
    "What was done in them: divided by their number, how much is done together.",
);

const GROUP_DURATION: Metric = Metric::duration(
    "klout_perk_group_duration_seconds",
    "How long such a transaction took, with the wait for others that hold the campaign.",
);

const WAITING: Metric = Metric::gauge(
    "klout_perk_waiting",
    "Reservations, confirmations and the like that wait for their turn.",
);

const EXPIRED: Metric = Metric::counter(
    "klout_perk_expired_total",
    "Reservations that nobody confirmed in time, and that gave back what they took.",
);

/// What a desk can be told.
const REASONS: [&str; 15] = [
    "QUALIFIES",
    "GUEST_UNKNOWN",
    "NO_CAMPAIGN",
    "NO_UPGRADE",
    "RULE_FAILED",
    "PLACE_FAILED",
    "HELD_OUT",
    "SOLD_OUT",
    "BUDGET_SPENT",
    "ALREADY_GRANTED",
    "GRANT_ENDED",
    "STAY_REUSED",
    "PEER_UNAVAILABLE",
    "STORE_UNAVAILABLE",
    "DEADLINE_PASSED",
];

const CHECK_INS: Metric = Metric::counter(
    "klout_perk_check_ins_total",
    "What desks were told, by reason: `DEADLINE_PASSED` and what is unavailable are guests who got no offer for our sake.",
)
.by(&[Label::these("reason", &REASONS)]);

const CHECK_INS_WITHDRAWN: Metric = Metric::counter(
    "klout_perk_check_ins_withdrawn_total",
    "What was decided too late for its desk, and was withdrawn; what it had reserved was given back.",
);

/// The handles of the desk.
#[derive(Debug)]
pub(crate) struct DeskMetrics {
    told: [Counter; REASONS.len()],
    pub(crate) withdrawn: Counter,
}

/// The handles of grants.
#[derive(Debug)]
pub(crate) struct GrantMetrics {
    decisions: [Counter; OUTCOMES.len()],
    groups: Counter,
    grouped: Counter,
    group_duration: Histogram,
    waiting: Gauge,
    expired: Counter,
}

// === impl GrantMetrics ===

impl GrantMetrics {
    pub(crate) fn new() -> Self {
        Self {
            decisions: OUTCOMES.map(|outcome| DECISIONS.count(&[outcome])),
            groups: GROUPS.count(&[]),
            grouped: GROUPED.count(&[]),
            group_duration: GROUP_DURATION.time(&[]),
            waiting: WAITING.level(&[]),
            expired: EXPIRED.count(&[]),
        }
    }

    pub(crate) fn decided(&self, outcome: &str) {
        if let Some(place) = OUTCOMES.iter().position(|it| *it == outcome) {
            self.decisions[place].increment(1);
        }
    }

    /// So much was done together.
    pub(crate) fn grouped(&self, count: usize, took: Duration) {
        self.groups.increment(1);
        self.grouped.increment(count as u64);
        self.group_duration.record(took);
    }

    pub(crate) fn stood(&self) {
        self.waiting.increment(1);
    }

    /// It was the turn of so many.
    pub(crate) fn taken_up(&self, count: usize) {
        self.waiting.decrement(u32::try_from(count).unwrap_or(u32::MAX));
    }

    pub(crate) fn expired(&self, count: usize) {
        self.expired.increment(count as u64);
    }
}

// === impl DeskMetrics ===

impl DeskMetrics {
    pub(crate) fn new() -> Self {
        Self {
            told: REASONS.map(|reason| CHECK_INS.count(&[reason])),
            withdrawn: CHECK_INS_WITHDRAWN.count(&[]),
        }
    }

    /// A desk was told something.
    pub(crate) fn told(&self, reason: &str) {
        if let Some(place) = REASONS.iter().position(|it| *it == reason) {
            self.told[place].increment(1);
        }
    }
}
