//! Days on which an unusual number of strangers came. docs/scoring.md, section 12.

use klout_model::Network;

use crate::{Model, Portrait, ledger::Ledger, share::Factor};

/// On one UTC day more strangers came to a presence than on all others together. It lowers nothing, and is
/// worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceBurst {
    pub network: Network,
    /// Of the day, in whole UTC days.
    pub age: u8,
    /// Actors of little credibility by their oldest reaction, and interactions that name nobody, where the
    /// network does not vouch for them.
    pub strangers: u64,
}

/// From so many strangers on a day on they can be a burst.
const BURST_MIN: u64 = 1_000;
/// Whoever is less credible is a stranger to a burst.
const HALF_CREDIBLE: Factor = Factor::HALF;

impl Portrait {
    /// The bursts of strangers, in the order of networks: those that a pass finds.
    ///
    /// # Panics
    ///
    /// When a row names an actor that is not there.
    #[must_use]
    pub fn bursts(&self, model: &Model) -> Vec<PresenceBurst> {
        let ledger = Ledger::new(model, self);
        let bursts = ledger.entries.iter().filter_map(|entry| {
            let mut days = [0_u64; 256];
            let mut came = |age: u8, count: u64| {
                let day = &mut days[usize::from(age)];
                *day = day.saturating_add(count);
            };
            if !entry.of.vouched {
                entry.nameless.iter().for_each(|(_, age, count)| came(*age, *count));
            }
            for edge in &entry.edges {
                if ledger.actor(edge.actor).factors.people < HALF_CREDIBLE {
                    let ages = entry.rows[edge.rows.clone()].iter().map(|row| row.age);
                    came(ages.max().unwrap_or_default(), 1);
                }
            }
            let together = days.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
            let (age, strangers) = (0..=u8::MAX).zip(days).max_by_key(|(_, count)| *count)?;
            let burst = strangers >= BURST_MIN && strangers > together.saturating_sub(strangers);
            let network = entry.of.network.clone();
            burst.then_some(PresenceBurst { network, age, strangers })
        });
        bursts.collect()
    }
}
