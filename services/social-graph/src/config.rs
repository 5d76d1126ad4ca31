//! Everything an operator can change about social-graph.

use std::{collections::BTreeMap, time::Duration};

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
    /// Who may be younger does not take part.
    pub age_limit: u8,
    /// Whether who does not tell an age does not take part either.
    pub age_required: bool,
    /// Where the profile of an account is, by network.
    pub profile_pages: BTreeMap<String, String>,
    /// Whether pages of private networks are read.
    pub private_pages_allowed: bool,
    /// Keys that contacts are hashed by besides the account key.
    pub contact_keys: SecretKeys,
    /// How many +K a member may give a day.
    pub plus_k_daily: u16,
}

/// Keys, separated by spaces, that are not printed.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct SecretKeys(pub(crate) String);

/// The shortest key of contacts.
const CONTACT_KEY_LENGTH_MIN: usize = 32;

// === impl Config ===

impl Config {
    /// Checks what the types cannot.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let refused = |setting, problem: &str| {
            Err(ConfigError::Setting { setting, problem: problem.to_owned() })
        };
        if self.announce_interval < Duration::from_millis(10) {
            return refused(
                "social_graph.announce_interval",
                "is below 10ms, which would keep Postgres busy with nothing",
            );
        }
        let mut keys = self.contact_keys.0.split_whitespace();
        if keys.any(|key| key.len() < CONTACT_KEY_LENGTH_MIN) {
            return refused("social_graph.contact_keys", "has a key of less than 32 characters");
        }
        let shows_account =
            |page: &String| ["{native_id}", "{user}", "{after:"].iter().any(|it| page.contains(it));
        if !self.profile_pages.values().all(shows_account) {
            return refused(
                "social_graph.profile_pages",
                "has a page without {native_id}, {user} or {after:PREFIX}, which would be the same for every account",
            );
        }
        if !(1..=PLUS_K_DAILY_MAX).contains(&self.plus_k_daily) {
            return Err(ConfigError::Setting {
                setting: "social_graph.plus_k_daily",
                problem: "is not from 1 to 100".to_owned(),
            });
        }
        if self.lookup_retention < Duration::from_hours(24) {
            return Err(ConfigError::Setting {
                setting: "social_graph.lookup_retention",
                problem: "is below a day, in which nobody could see who looked at them".to_owned(),
            });
        }
        Ok(())
    }
}

// === impl SecretKeys ===

impl std::fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKeys(***)")
    }
}
