//! Everything an operator can change about the gateway.

use std::{collections::BTreeMap, time::Duration};

use jsonwebtoken::Algorithm;
use klout_chassis::ConfigError;
use klout_model::Purpose;
use serde::Deserialize;

use crate::{
    access::{Scope, Scopes},
    issuers,
    legacy::OldNetworks,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The longest that one call may take.
    #[serde(with = "humantime_serde")]
    pub request_time_max: Duration,

    /// The longest that a call may take whose request is a stream.
    #[serde(with = "humantime_serde")]
    pub stream_time_max: Duration,

    /// The largest body of a REST request, in bytes.
    pub body_size_max: usize,

    /// What the networks of the old API are called here.
    pub old_networks: OldNetworks,

    /// The origins whose pages may ask, separated by spaces.
    pub cors_origins: String,

    /// What keys have that are made without saying so.
    pub keys: KeyDefaults,

    /// Who else signs tokens, by the names that they have in logs.
    pub issuers: BTreeMap<String, IssuerConfig>,

    /// How long whoever looked somebody up may keep the answer, before they have to ask again.
    #[serde(with = "humantime_serde")]
    pub lookup_keep_time: Duration,

    /// How long a page of the overview is shown to whoever asks; not with somebody on it who has left since.
    #[serde(with = "humantime_serde")]
    pub overview_keep_time: Duration,

    /// After how many people a list of people as CSV ends, with a link to the rest.
    pub csv_rows_max: usize,
}

/// The limits of a key for which nobody says others. 0: none.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyDefaults {
    /// Calls a second.
    pub calls_per_second: i64,

    /// Calls a UTC day.
    pub calls_per_day: i64,
}

/// Somebody whose tokens are believed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Their `iss`, to the letter.
    pub issuer: String,

    /// What their `aud` has to have: a token for somebody else is none for us.
    pub audience: String,

    /// Where their public keys are, as a JWKS: an https address, or a file.
    pub keys: String,

    /// By which they sign.
    #[serde(default = "usual_algorithms")]
    pub algorithms: Vec<SignatureAlgorithm>,

    /// The claim that names the caller.
    #[serde(default = "sub")]
    pub caller_claim: String,

    /// What their tokens are for.
    #[serde(default)]
    pub purpose: String,

    /// The claim that says so; `purpose` is for tokens that do not have it.
    #[serde(default)]
    pub purpose_claim: String,

    /// What their tokens may call at most; empty: what a key may for which nobody says.
    #[serde(default)]
    pub scopes: Vec<String>,

    /// The claim that says which of these a token may; empty: all.
    #[serde(default)]
    pub scope_claim: String,

    /// What our scopes begin with in that claim.
    #[serde(default)]
    pub scope_prefix: String,

    /// Calls a second of each caller; not set: as keys.
    pub calls_per_second: Option<i64>,

    /// Calls a UTC day of each caller; not set: as keys.
    pub calls_per_day: Option<i64>,
}

/// An algorithm that signs with a private key. No other is one: a secret that two share signs for either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SignatureAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

// === impl Config ===

impl Config {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let negative = self.keys.calls_per_second < 0 || self.keys.calls_per_day < 0;
        if negative {
            return Err(unusable("gateway.keys", "has a limit that is negative".to_owned()));
        }
        for (name, issuer) in &self.issuers {
            let problem = |problem| unusable("gateway.issuers", format!("`{name}`: {problem}"));
            issuer.check().map_err(problem)?;
        }
        let mut addresses: Vec<_> = self.issuers.values().map(|it| &it.issuer).collect();
        addresses.sort();
        if addresses.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(unusable("gateway.issuers", "names one `issuer` twice".to_owned()));
        }
        Ok(())
    }
}

// === impl IssuerConfig ===

impl IssuerConfig {
    /// What their tokens may call at most.
    pub(crate) fn allowed_scopes(&self) -> Scopes {
        if self.scopes.is_empty() {
            return Scopes::USUAL.into_iter().collect();
        }
        self.scopes.iter().filter_map(|name| Scope::named(name)).collect()
    }

    fn check(&self) -> Result<(), String> {
        for (field, text) in [
            ("issuer", &self.issuer),
            ("audience", &self.audience),
            ("caller_claim", &self.caller_claim),
        ] {
            if text.trim().is_empty() {
                return Err(format!("`{field}` is empty: any token would do"));
            }
        }
        issuers::check_source(&self.keys).map_err(|problem| format!("`keys` {problem}"))?;
        if self.algorithms.is_empty() {
            return Err("`algorithms` names none".to_owned());
        }
        if let Some(unknown) = self.scopes.iter().find(|name| Scope::named(name).is_none()) {
            return Err(format!("`scopes`: there is no scope `{unknown}`"));
        }
        if self.purpose.is_empty() && self.purpose_claim.is_empty() {
            return Err("neither `purpose` nor `purpose_claim` says what tokens are for".to_owned());
        }
        match Purpose::of_key(&self.purpose) {
            Err(refused) => Err(format!("`purpose`: {refused}")),
            Ok(Purpose::Operator | Purpose::Internal) => {
                Err("`purpose` makes operators of others: only a service token is one".to_owned())
            }
            Ok(Purpose::Show | Purpose::Crm | Purpose::Perks | Purpose::Research) => Ok(()),
        }
    }
}

// === impl SignatureAlgorithm ===

impl SignatureAlgorithm {
    pub(crate) const fn algorithm(self) -> Algorithm {
        match self {
            Self::RS256 => Algorithm::RS256,
            Self::RS384 => Algorithm::RS384,
            Self::RS512 => Algorithm::RS512,
            Self::PS256 => Algorithm::PS256,
            Self::PS384 => Algorithm::PS384,
            Self::PS512 => Algorithm::PS512,
            Self::ES256 => Algorithm::ES256,
            Self::ES384 => Algorithm::ES384,
            Self::EdDSA => Algorithm::EdDSA,
        }
    }
}

fn usual_algorithms() -> Vec<SignatureAlgorithm> {
    vec![SignatureAlgorithm::RS256, SignatureAlgorithm::ES256, SignatureAlgorithm::EdDSA]
}

fn sub() -> String {
    "sub".to_owned()
}

fn unusable(setting: &'static str, problem: String) -> ConfigError {
    ConfigError::Setting { setting, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(settings: &str) -> String {
        let issuer = format!(
            "[gateway.issuers.acme]\nissuer = \"https://login.acme.example\"\naudience = \"klout\"\n{settings}"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("klout.toml");
        std::fs::write(&file, issuer).expect("a file");
        let sources = klout_chassis::Sources { file: Some(file), ..Default::default() };
        let defaults = [include_str!("../config.default.toml")];
        let configuration = klout_chassis::Configuration::load(&defaults, &sources).expect("read");
        let checked = configuration.section::<Config>("gateway").and_then(|config| config.check());
        checked.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn an_issuer_whose_tokens_would_mean_too_much_is_refused() {
        let keys = "keys = \"https://login.acme.example/jwks\"\n";
        assert_eq!(problem(&format!("{keys}purpose = \"crm\"")), "");
        assert_eq!(problem("keys = \"/etc/klout/acme.json\"\npurpose_claim = \"use\""), "");
        assert_eq!(problem("keys = \"http://127.0.0.1:1/jwks\"\npurpose = \"crm\""), "");
        for (settings, said) in [
            ("purpose = \"crm\"".to_owned(), "missing field `keys`"),
            (keys.to_owned(), "what tokens are for"),
            (format!("{keys}purpose = \"operator\""), "makes operators"),
            (format!("{keys}purpose = \"hiring\""), "may not be used"),
            (format!("{keys}purpose = \"crm\"\nscopes = [\"all\"]"), "no scope `all`"),
            (format!("{keys}purpose = \"crm\"\nalgorithms = [\"HS256\"]"), "HS256"),
            (format!("{keys}purpose = \"crm\"\nalgorithms = [\"none\"]"), "none"),
            (format!("{keys}purpose = \"crm\"\nalgorithms = []"), "names none"),
            ("keys = \"http://login.acme.example/jwks\"\npurpose = \"crm\"".to_owned(), "https"),
        ] {
            assert!(problem(&settings).contains(said), "{settings}: {}", problem(&settings));
        }
    }
}
