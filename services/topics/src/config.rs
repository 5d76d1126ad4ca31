//! Everything an operator can change about topics.

use std::time::Duration;

use klout_chassis::ConfigError;
use serde::Deserialize;

/// The longest that evidence about strangers may be kept, whatever an operator wants.
const UNOWNED_TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How long evidence is kept at most that is about accounts which nobody has linked.
    #[serde(with = "humantime_serde")]
    pub unowned_time_max: Duration,
    /// How often such evidence is looked for.
    #[serde(with = "humantime_serde")]
    pub sweep_interval: Duration,
    /// How often posts to read, and people whose topics are to be computed, are looked for when nobody rang.
    #[serde(with = "humantime_serde")]
    pub compute_interval: Duration,
    /// How long a pass over everybody rests at most after another one of the same day.
    #[serde(with = "humantime_serde")]
    pub pass_pause: Duration,
}

impl Config {
    /// Checks what the types cannot.
    ///
    /// # Errors
    ///
    /// When a time cannot be.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let problem = |setting, problem: &str| {
            Err(ConfigError::Setting { setting, problem: problem.to_owned() })
        };
        if self.unowned_time_max > UNOWNED_TIME_MAX {
            return problem("topics.unowned_time_max", "is more than a day");
        }
        if self.sweep_interval.is_zero() {
            return problem("topics.sweep_interval", "is zero");
        }
        if self.compute_interval < Duration::from_millis(10) {
            let busy = "is below 10ms, which would keep the process busy with nothing";
            return problem("topics.compute_interval", busy);
        }
        Ok(())
    }
}
