//! What is killed, and at which moment: the same for the same seed.

use std::fmt;

use rand::{RngExt as _, SeedableRng as _, seq::SliceRandom as _};
use rand_pcg::Pcg64Mcg;

/// Every point at which a service can be stopped: each starts with the section name of its service.
pub const POINTS: [&str; 43] = [
    "connector.batch.pushed",
    "connector.batches.deleted",
    "connector.batches.leased",
    "connector.signals.committed",
    "connector.signals.written",
    "scoring.batch.committed",
    "scoring.batch.written",
    "scoring.cache.filled",
    "scoring.epoch.published",
    "scoring.epoch.written",
    "scoring.evidence.folded",
    "scoring.memberships.committed",
    "scoring.memberships.written",
    "scoring.pass.ended",
    "scoring.pass.read",
    "scoring.pass.written",
    "scoring.percentiles.committed",
    "scoring.percentiles.written",
    "scoring.scores.committed",
    "scoring.scores.written",
    "social_graph.accounts.leased",
    "social_graph.accounts.pushed",
    "social_graph.batch.committed",
    "social_graph.batch.written",
    "social_graph.own.forgotten",
    "social_graph.people.committed",
    "social_graph.people.written",
    "social_graph.person.forgotten",
    "social_graph.state.committed",
    "social_graph.state.written",
    "social_graph.states.told",
    "topics.batch.committed",
    "topics.batch.written",
    "topics.claim.committed",
    "topics.memberships.committed",
    "topics.memberships.written",
    "topics.pass.committed",
    "topics.pass.written",
    "topics.people.committed",
    "topics.people.written",
    "topics.posts.committed",
    "topics.posts.written",
    "topics.ranks.written",
];

/// Points at which a store is killed under a service too. Scores that are committed are on their way to
/// Redis.
const UNDER: [(&str, Victim); 8] = [
    ("connector.signals.written", Victim::Postgres),
    ("connector.batches.leased", Victim::Postgres),
    ("connector.batch.pushed", Victim::Postgres),
    ("scoring.batch.written", Victim::Postgres),
    ("scoring.batch.committed", Victim::Connection(0)),
    ("scoring.scores.written", Victim::Postgres),
    ("scoring.scores.committed", Victim::Redis),
    ("social_graph.people.written", Victim::Postgres),
];

/// Who is killed at a moment that is no particular one.
const ANYTIME: [Victim; 10] = [
    Victim::Service("connector"),
    Victim::Service("scoring"),
    Victim::Service("social-graph"),
    Victim::Service("topics"),
    Victim::Service("gateway"),
    Victim::Service("gateway"),
    Victim::Postgres,
    Victim::Connection(1),
    Victim::Redis,
    Victim::Redis,
];

/// Which kills there are.
#[derive(Clone, Copy, Debug)]
pub enum Plan {
    /// So many at all points and at any time. With 43 every point is killed at, with 61 everything happens once,
    /// and with more again.
    Everything { kills: usize, seed: u64 },
    /// So many of scoring when it has applied a batch and not said so, after which it is sent again.
    AnswersLost { kills: usize },
}

/// One kill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strike {
    pub(super) moment: Moment,
    pub(super) victim: Victim,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// When a service meets this point next, which stands still there.
    Point(&'static str),
    /// When so many percent of the portion are durable.
    Share(u32),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Victim {
    Service(&'static str),
    /// All processes of it at once.
    Postgres,
    /// One of its processes that serve a connection, after which Postgres ends all of them.
    Connection(usize),
    Redis,
}

/// The service, as it is called on the command line, that meets a point.
pub(super) fn service(point: &str) -> &'static str {
    let (section, _) = point.split_once('.').expect("it starts with a service");
    match section {
        "connector" => "connector",
        "gateway" => "gateway",
        "scoring" => "scoring",
        "social_graph" => "social-graph",
        "topics" => "topics",
        _ => panic!("no service is called {section}"),
    }
}

/// Whether a point is met when somebody leaves, which no import makes anybody do.
pub(super) fn is_of_leaving(point: &str) -> bool {
    ["social_graph.own.", "social_graph.person.", "social_graph.state"]
        .iter()
        .any(|it| point.starts_with(it))
}

// === impl Plan ===

impl Plan {
    pub(super) fn strikes(self) -> Vec<Strike> {
        let (kills, seed) = match self {
            Self::Everything { kills, seed } => (kills, seed),
            Self::AnswersLost { kills } => {
                return vec![Strike::of_whom_meets("scoring.batch.committed"); kills];
            }
        };
        let mut draw = Pcg64Mcg::seed_from_u64(seed);
        let mut strikes = Vec::new();
        while strikes.len() < kills {
            let mut deck: Vec<_> = POINTS.into_iter().map(Strike::of_whom_meets).collect();
            let under = |(point, victim)| Strike { moment: Moment::Point(point), victim };
            let mut others: Vec<_> = UNDER.into_iter().map(under).collect();
            others.extend(ANYTIME.map(|victim| {
                let victim = match victim {
                    Victim::Connection(_) => Victim::Connection(draw.random_range(0..100)),
                    Victim::Service(_) | Victim::Postgres | Victim::Redis => victim,
                };
                Strike { moment: Moment::Share(draw.random_range(0..=100)), victim }
            }));
            // Where there are few, points go first.
            others.shuffle(&mut draw);
            others.truncate((kills - strikes.len()).saturating_sub(deck.len()));
            deck.extend(others);
            deck.shuffle(&mut draw);
            strikes.extend(deck);
        }
        strikes.truncate(kills);
        strikes
    }
}

// === impl Strike ===

impl Strike {
    fn of_whom_meets(point: &'static str) -> Self {
        Self { moment: Moment::Point(point), victim: Victim::Service(service(point)) }
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.moment {
            Moment::Point(point) => write!(f, "{} at {point}", self.victim),
            Moment::Share(percent) => write!(f, "{} at {percent} % of a portion", self.victim),
        }
    }
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Service(service) => service,
            Self::Postgres => "Postgres",
            Self::Connection(_) => "a connection of Postgres",
            Self::Redis => "Redis",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_every_point_and_is_the_same_for_the_same_seed() {
        let told = |seed| -> Vec<String> {
            let strikes = Plan::Everything { kills: POINTS.len(), seed }.strikes();
            strikes.iter().map(ToString::to_string).collect()
        };
        assert_eq!(told(1), told(1));
        assert_ne!(told(1), told(2));
        for point in POINTS {
            let strike = Strike::of_whom_meets(point).to_string();
            assert!(told(1).contains(&strike), "{strike}");
        }
    }
}
