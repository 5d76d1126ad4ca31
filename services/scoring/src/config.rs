//! Everything an operator can change about scoring.

use std::time::Duration;

use klout_chassis::ConfigError;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How often people whose evidence changed are looked for when nobody rang.
    #[serde(with = "humantime_serde")]
    pub rescore_interval: Duration,

    /// How often percentiles are published at most.
    #[serde(with = "humantime_serde")]
    pub publish_interval: Duration,

    /// The longest time between two passes over everybody.
    #[serde(with = "humantime_serde")]
    pub pass_interval: Duration,

    /// How many people's scores are kept in the memory of a process.
    pub memory_people_max: usize,

    /// How long a score is kept at most, in each of the caches.
    #[serde(with = "humantime_serde")]
    pub cache_time_max: Duration,

    /// How long reading scores below the memory of the process may take.
    #[serde(with = "humantime_serde")]
    pub read_time_max: Duration,

    /// How long a transaction of a rescore, a publication or a fold may take.
    #[serde(with = "humantime_serde")]
    pub transaction_time_max: Duration,

    /// How many streams of scores a process sends at once.
    pub watches_max: usize,

    /// How often a stream says that it goes on.
    #[serde(with = "humantime_serde")]
    pub watch_heartbeat_interval: Duration,

    /// How long a reader waits for the revision that it asked for.
    #[serde(with = "humantime_serde")]
    pub freshness_time_max: Duration,
}

impl Config {
    /// Checks what the types cannot.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        for (setting, interval) in [
            ("scoring.rescore_interval", self.rescore_interval),
            ("scoring.publish_interval", self.publish_interval),
            ("scoring.watch_heartbeat_interval", self.watch_heartbeat_interval),
        ] {
            if interval < Duration::from_millis(10) {
                let problem = "is below 10ms, which would keep the process busy with nothing";
                return Err(ConfigError::Setting { setting, problem: problem.to_owned() });
            }
        }
        if self.pass_interval < Duration::from_secs(1) {
            let problem = "is below 1s, which would keep all processors busy with passes";
            let setting = "scoring.pass_interval";
            return Err(ConfigError::Setting { setting, problem: problem.to_owned() });
        }
        Ok(())
    }
}
