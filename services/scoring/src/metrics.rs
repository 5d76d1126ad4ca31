//! What can be measured of scoring while it runs: names, units, meanings.

use metrics::{Counter, counter};

/// Where a score was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    Memory,
    Redis,
    Postgres,
}

/// `klout_score_cache_reads_total`: people looked for in a tier, by what came of it.
#[derive(Clone, Debug)]
pub(crate) struct TierReads([Outcomes; 3]);

#[derive(Clone)]
struct Outcomes {
    hit: Counter,
    miss: Counter,
    error: Counter,
}

// === impl TierReads ===

impl TierReads {
    pub(crate) fn new() -> Self {
        Self(["memory", "redis", "postgres"].map(|tier| {
            let of = |result| {
                counter!("klout_score_cache_reads_total", "tier" => tier, "result" => result)
            };
            Outcomes { hit: of("hit"), miss: of("miss"), error: of("error") }
        }))
    }

    pub(crate) fn found(&self, tier: Tier, people: usize) {
        self.of(tier).hit.increment(people as u64);
    }

    pub(crate) fn missed(&self, tier: Tier, people: usize) {
        self.of(tier).miss.increment(people as u64);
    }

    pub(crate) fn failed(&self, tier: Tier, people: usize) {
        self.of(tier).error.increment(people as u64);
    }

    const fn of(&self, tier: Tier) -> &Outcomes {
        let [memory, redis, postgres] = &self.0;
        match tier {
            Tier::Memory => memory,
            Tier::Redis => redis,
            Tier::Postgres => postgres,
        }
    }
}

impl std::fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outcomes")
    }
}
