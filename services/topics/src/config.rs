//! Everything an operator can change about topics.

use std::time::Duration;

use klout_chassis::ConfigError;
use serde::Deserialize;

/// The longest that posts of strangers may be kept, whatever an operator wants.
const UNOWNED_TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How long posts are kept at most whose accounts nobody has linked.
    #[serde(with = "humantime_serde")]
    pub unowned_time_max: Duration,
    /// How often such posts are looked for.
    #[serde(with = "humantime_serde")]
    pub sweep_interval: Duration,
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
        Ok(())
    }
}
