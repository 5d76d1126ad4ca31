//! Everything an operator can change about social-graph.

use std::time::Duration;

use klout_chassis::ConfigError;
use serde::Deserialize;

/// +K a day: with more there is nothing to choose, and a week of them is no longer counted at once.
const PLUS_K_DAILY_MAX: u16 = 100;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How often the outbox is looked at when nobody rang.
    #[serde(with = "humantime_serde")]
    pub announce_interval: Duration,
    /// How long it is known who looked at whom.
    #[serde(with = "humantime_serde")]
    pub lookup_retention: Duration,

    /// How many +K a member may give a day.
    pub plus_k_daily: u16,
}

impl Config {
    /// Checks what the types cannot.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.announce_interval < Duration::from_millis(10) {
            return Err(ConfigError::Setting {
                setting: "social_graph.announce_interval",
                problem: "is below 10ms, which would keep Postgres busy with nothing".to_owned(),
            });
        }
        if self.lookup_retention < Duration::from_hours(24) {
            return Err(ConfigError::Setting {
                setting: "social_graph.lookup_retention",
                problem: "is below a day, in which nobody could see who looked at them".to_owned(),
            });
        }
        if !(1..=PLUS_K_DAILY_MAX).contains(&self.plus_k_daily) {
            return Err(ConfigError::Setting {
                setting: "social_graph.plus_k_daily",
                problem: "is not from 1 to 100".to_owned(),
            });
        }
        Ok(())
    }
}
