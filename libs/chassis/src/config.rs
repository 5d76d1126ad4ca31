//! Configuration: defaults, then a file, then the environment, then flags. Nothing else in the
//! workspace reads the environment.

use std::{
    collections::BTreeMap, convert::Infallible, net::SocketAddr, path::PathBuf, time::Duration,
};

use figment::{
    Figment,
    providers::{Env, Format as _, Serialized, Toml},
    value::{Dict, Value},
};
use klout_model::AccountKey;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{Clock, token::TokenKey};

/// The settings that every process has, with their comments.
pub const DEFAULT_CONFIG: &str = include_str!("../config.default.toml");

/// Keys whose values are printed as `***`.
const SECRETS: [&str; 10] = [
    "account_key",
    "token_secret",
    "database_url",
    "database_url_direct",
    "redis_url",
    "contact_keys",
    "pass_secret",
    "pass_secret_before",
    "token_keys",
    "client_secret",
];

/// The shortest token secret: as long as the hash that it keys.
const TOKEN_SECRET_LENGTH_MIN: usize = 32;

/// What is read of a request at once.
const HEAD_SIZE_LEAST: usize = 8_192;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{0}")]
    Read(Box<figment::Error>),
    #[error("could not read the configuration file {path}")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("unknown section `[{0}]` in the configuration")]
    SectionUnknown(String),
    #[error("`{setting}` {problem}")]
    Setting { setting: &'static str, problem: String },
}

/// Where a configuration comes from, besides the defaults and the environment.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// Flags, as `("server.grpc_address", "127.0.0.1:0")`.
    pub flags: Vec<(&'static str, String)>,
    /// Whether the environment is read. Tests do not.
    pub environment: bool,
}

/// Everything that was configured, not yet taken apart by service.
#[derive(Clone, Debug)]
pub struct Configuration {
    figment: Figment,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    pub grpc_address: SocketAddr,
    pub http_address: SocketAddr,
    pub as_of: String,
    pub account_key: SecretString,
    pub token_secret: SecretString,
    pub dev: bool,
    pub plaintext_off_loopback: bool,
    #[serde(with = "humantime_serde")]
    pub request_time_max: Duration,
    #[serde(with = "humantime_serde")]
    pub stream_time_max: Duration,
    #[serde(with = "humantime_serde")]
    pub catch_up_time_max: Duration,
    pub calls_max: usize,
    pub calls_per_caller_max: usize,
    #[serde(with = "humantime_serde")]
    pub drain_time: Duration,
    #[serde(with = "humantime_serde")]
    pub grace_time_max: Duration,
}

/// How much of everything whoever connects to the gateway has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    pub connections_max: usize,
    #[serde(with = "humantime_serde")]
    pub head_time_max: Duration,
    pub head_size_max: usize,
    pub headers_max: usize,
    #[serde(with = "humantime_serde")]
    pub idle_time_max: Duration,
    #[serde(with = "humantime_serde")]
    pub body_wait_max: Duration,
    #[serde(with = "humantime_serde")]
    pub body_time_max: Duration,
    #[serde(with = "humantime_serde")]
    pub write_wait_max: Duration,
    #[serde(with = "humantime_serde")]
    pub connection_age_max: Duration,
    pub streams_max: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoresConfig {
    pub database_url: SecretString,
    /// As `database_url` where it is not set.
    pub database_url_direct: SecretString,
    pub redis_url: SecretString,
    pub redis_prefix: String,
    #[serde(with = "humantime_serde")]
    pub redis_time_max: Duration,
    pub database_connections_max: u32,
}

/// The address of each service that is not hosted here, by its section name.
pub type LinksConfig = BTreeMap<String, String>;

// === impl Configuration ===

impl Configuration {
    /// Reads all sources. `defaults` are the commented default files of the hosted services.
    ///
    /// # Errors
    ///
    /// When a source cannot be read, or has a section that nobody knows.
    pub fn load(defaults: &[&str], sources: &Sources) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        for text in std::iter::once(&DEFAULT_CONFIG).chain(defaults) {
            figment = figment.merge(Toml::string(text));
        }
        let known: Vec<String> = sections(&figment)?.into_keys().collect();

        if let Some(path) = &sources.file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ConfigError::File { path: path.clone(), source })?;
            figment = figment.merge(Toml::string(&text));
        }
        if sources.environment {
            // KLOUT_SECTION__FIELD; KLOUT_KEY and the like are the command line's own.
            let settings = Env::prefixed("KLOUT_").filter(|key| key.as_str().contains("__"));
            for (setting, value) in settings.split("__").iter() {
                figment = with_text(figment, setting.as_str(), value);
            }
            for (variable, setting) in [
                ("DATABASE_URL", "stores.database_url"),
                ("DATABASE_URL_DIRECT", "stores.database_url_direct"),
                ("REDIS_URL", "stores.redis_url"),
            ] {
                for (_, value) in Env::raw().only(&[variable]).iter() {
                    figment = with_text(figment, setting, value);
                }
            }
        }
        for (setting, value) in &sources.flags {
            figment = with_text(figment, setting, value.clone());
        }

        let unknown = sections(&figment)?.into_keys().find(|section| !known.contains(section));
        match unknown {
            Some(section) => Err(ConfigError::SectionUnknown(section)),
            None => Ok(Self { figment }),
        }
    }

    /// One section, as the type that its owner reads it as.
    ///
    /// # Errors
    ///
    /// When a field is missing, unknown or of another type; the error names it and its source.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        self.figment.extract_inner(name).map_err(|error| ConfigError::Read(Box::new(error)))
    }

    /// The same with one setting more, which goes before all others.
    #[must_use]
    pub fn with(self, setting: &str, value: String) -> Self {
        Self { figment: with_text(self.figment, setting, value) }
    }

    /// Whether that setting of text has a value.
    ///
    /// # Errors
    ///
    /// When it is no text.
    pub fn is_set(&self, setting: &str) -> Result<bool, ConfigError> {
        let text: String = self
            .figment
            .extract_inner(setting)
            .map_err(|error| ConfigError::Read(Box::new(error)))?;
        Ok(!text.is_empty())
    }

    /// The effective configuration as TOML, secrets as `***`.
    ///
    /// # Errors
    ///
    /// When a source cannot be read.
    pub fn print(&self) -> Result<String, ConfigError> {
        let mut sections = sections(&self.figment)?;
        for value in sections.values_mut() {
            if let Value::Dict(_, fields) = value {
                mask(fields);
            }
        }
        toml::to_string(&sections).map_err(|error| ConfigError::Setting {
            setting: "configuration",
            problem: format!("cannot be printed: {error}"),
        })
    }

    /// The `[server]` section, checked.
    ///
    /// # Errors
    ///
    /// When an address that is not a loopback address would be served unencrypted or without keys.
    pub fn server(&self) -> Result<ServerConfig, ConfigError> {
        let server: ServerConfig = self.section("server")?;
        for (setting, address) in [
            ("server.grpc_address", server.grpc_address),
            ("server.http_address", server.http_address),
        ] {
            if address.ip().is_loopback() {
                continue;
            }
            if server.dev {
                return Err(setting_error(setting, "must be a loopback address with `dev`"));
            }
            if !server.plaintext_off_loopback {
                let problem = "is not a loopback address and nothing is encrypted; \
                               set `server.plaintext_off_loopback` if your network encrypts";
                return Err(setting_error(setting, problem));
            }
        }
        Ok(server)
    }

    /// The `[http]` section, checked.
    ///
    /// # Errors
    ///
    /// When something could not be served with it.
    pub fn http(&self) -> Result<HttpConfig, ConfigError> {
        let http: HttpConfig = self.section("http")?;
        if http.head_size_max < HEAD_SIZE_LEAST {
            return Err(setting_error("http.head_size_max", "is less than 8192 bytes"));
        }
        if http.connections_max == 0 || http.headers_max == 0 || http.streams_max == 0 {
            let problem = "and `headers_max` and `streams_max` cannot be 0";
            return Err(setting_error("http.connections_max", problem));
        }
        Ok(http)
    }

    /// The `[stores]` section, checked.
    ///
    /// # Errors
    ///
    /// When there is no database.
    pub fn stores(&self) -> Result<StoresConfig, ConfigError> {
        let mut stores: StoresConfig = self.section("stores")?;
        if stores.database_url.expose_secret().is_empty() {
            let problem = "is empty; set DATABASE_URL, such as postgres://user@host/klout";
            return Err(setting_error("stores.database_url", problem));
        }
        if stores.database_url_direct.expose_secret().is_empty() {
            stores.database_url_direct = stores.database_url.clone();
        }
        Ok(stores)
    }
}

// === impl HttpConfig ===

impl HttpConfig {
    /// How often it is looked whether a connection keeps to it: often enough for the shortest time.
    pub(crate) fn tick(&self) -> Duration {
        let times =
            [self.head_time_max, self.idle_time_max, self.write_wait_max, self.connection_age_max];
        let shortest = times.into_iter().min().unwrap_or_default();
        (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }
}

// === impl ServerConfig ===

impl ServerConfig {
    /// The clock: pinned to `as_of`, or running.
    ///
    /// # Errors
    ///
    /// When `as_of` is not a time.
    pub fn clock(&self) -> Result<Clock, ConfigError> {
        if self.as_of.is_empty() {
            return Ok(Clock::running());
        }
        let time = OffsetDateTime::parse(&self.as_of, &Rfc3339).map_err(|_| {
            setting_error("server.as_of", "is not a time such as 2018-06-01T00:00:00Z")
        })?;
        Ok(Clock::pinned(time))
    }

    /// The key of all account ids.
    ///
    /// # Errors
    ///
    /// When it is missing without `dev`, or is not 64 hexadecimal digits.
    pub fn account_key(&self) -> Result<AccountKey, ConfigError> {
        let text = self.account_key.expose_secret();
        if text.is_empty() && self.dev {
            return Ok(AccountKey::new(*b"the well-known key of --dev only"));
        }
        let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits {
            let problem = "has to be 64 hexadecimal digits, made once and kept: \
                           `openssl rand -hex 32` makes one, and `--dev` does without";
            return Err(setting_error("server.account_key", problem));
        }
        let mut key = [0; 32];
        for (byte, index) in key.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[index..index + 2], 16)
                .expect("two hexadecimal digits are a byte");
        }
        Ok(AccountKey::new(key))
    }

    /// What signs and verifies tokens.
    ///
    /// # Errors
    ///
    /// When it is missing without `dev`, or is too short.
    pub fn token_key(&self) -> Result<TokenKey, ConfigError> {
        let secret = self.token_secret.expose_secret();
        if secret.is_empty() && self.dev {
            return Ok(TokenKey::new(b"the well-known token secret of --dev only"));
        }
        if secret.len() < TOKEN_SECRET_LENGTH_MIN {
            let problem = "has to be at least 32 characters that nobody can guess: \
                           `openssl rand -hex 32` makes some, and `--dev` does without";
            return Err(setting_error("server.token_secret", problem));
        }
        Ok(TokenKey::new(secret.as_bytes()))
    }

    /// What is not as safe as it would be without `dev`, for whoever starts the process. Everything else stays: what is
    /// shown is verified, and addresses are loopback's.
    pub(crate) fn relaxed(&self) -> Vec<&'static str> {
        if !self.dev {
            return Vec::new();
        }
        let mut relaxed = vec![
            "a call on loopback that shows no key is let in as an operator's, over REST and gRPC, unless a browser makes it for a page from elsewhere; none is without `dev`",
        ];
        if self.account_key.expose_secret().is_empty() {
            relaxed.push("`server.account_key` is one that everybody knows: pseudonyms are none");
        }
        if self.token_secret.expose_secret().is_empty() {
            relaxed
                .push("`server.token_secret` is one that everybody knows: anybody can make tokens");
        }
        relaxed
    }
}

fn setting_error(setting: &'static str, problem: impl Into<String>) -> ConfigError {
    ConfigError::Setting { setting, problem: problem.into() }
}

/// Sets what was written as text. What its default is decides how it is read: a key of digits alone is
/// no number, and a list is `["one", "other"]`.
fn with_text(figment: Figment, setting: &str, text: String) -> Figment {
    let value = match figment.find_value(setting) {
        Ok(Value::Bool(..) | Value::Num(..) | Value::Dict(..) | Value::Array(..)) => {
            text.parse().unwrap_or_else(|never: Infallible| match never {})
        }
        Ok(_) | Err(_) => Value::from(text),
    };
    figment.merge(Serialized::default(setting, value))
}

fn sections(figment: &Figment) -> Result<Dict, ConfigError> {
    figment.extract().map_err(|error| ConfigError::Read(Box::new(error)))
}

fn mask(fields: &mut Dict) {
    for (name, value) in fields {
        if let Value::Dict(_, fields) = value {
            mask(fields);
        }
        if SECRETS.contains(&name.as_str()) && value.as_str().is_some_and(|text| !text.is_empty()) {
            *value = Value::from("***");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(flags: &[(&'static str, &str)]) -> Configuration {
        let flags = flags.iter().map(|(setting, value)| (*setting, (*value).to_owned())).collect();
        Configuration::load(&[], &Sources { flags, ..Sources::default() }).expect("it loads")
    }

    fn problem<T: std::fmt::Debug>(result: Result<T, ConfigError>) -> String {
        result.expect_err("it is refused").to_string()
    }

    #[test]
    fn the_defaults_are_complete_but_for_the_secrets_and_the_database() {
        let configuration = with(&[]);
        let server = configuration.server().expect("a server");

        assert!(problem(server.account_key()).contains("64 hexadecimal digits"));
        assert!(problem(server.token_key()).contains("32 characters"));
        assert!(problem(configuration.stores()).contains("DATABASE_URL"));
    }

    #[test]
    fn a_file_with_a_section_or_field_that_nobody_knows_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("klout.toml");

        std::fs::write(&file, "[sevrer]\n").expect("a file");
        let sources = Sources { file: Some(file.clone()), ..Sources::default() };
        assert!(problem(Configuration::load(&[], &sources)).contains("[sevrer]"));

        std::fs::write(&file, "[server]\ngrpc_adress = \"127.0.0.1:1\"\n").expect("a file");
        let configuration = Configuration::load(&[], &sources).expect("it loads");
        assert!(problem(configuration.server()).contains("grpc_adress"));
    }

    #[test]
    fn secrets_are_not_printed() {
        let secret = "0123456789012345678901234567890123456789";
        let printed = with(&[("server.token_secret", secret)]).print().expect("it prints");

        assert!(!printed.contains(secret) && printed.contains("token_secret = \"***\""));
        assert!(printed.contains("grpc_address = \"127.0.0.1:50051\""), "{printed}");
    }

    #[test]
    fn text_is_read_as_what_the_setting_is() {
        let digits = "0".repeat(64);
        let configuration = with(&[
            ("server.dev", "true"),
            ("server.account_key", &digits),
            ("stores.database_url", "postgres://localhost/klout"),
            ("stores.database_connections_max", "7"),
        ]);
        assert!(configuration.server().expect("a server").dev);
        assert_eq!(configuration.server().expect("a server").account_key.expose_secret(), digits);
        assert_eq!(configuration.stores().expect("stores").database_connections_max, 7);
        assert!(problem(with(&[("server.dev", "perhaps")]).server()).contains("dev"));
    }

    #[test]
    fn dev_says_what_it_relaxes_and_nothing_is_relaxed_without_it() {
        let relaxed = |flags: &[(&'static str, &str)]| with(flags).server().expect("ok").relaxed();
        assert!(relaxed(&[]).is_empty());
        let all = relaxed(&[("server.dev", "true")]);
        for said in ["as an operator's", "account_key", "token_secret"] {
            assert!(all.iter().any(|it| it.contains(said)), "{said}");
        }
        let digits = "ab".repeat(32);
        let set = [("server.account_key", digits.as_str()), ("server.token_secret", &digits)];
        let some = relaxed(&[&[("server.dev", "true")][..], &set].concat());
        assert_eq!(some.len(), 1, "{some:?}");
    }

    #[test]
    fn lists_and_tables_are_read_from_text_too() {
        #[derive(Deserialize)]
        struct Section {
            networks: Vec<String>,
            issuers: BTreeMap<String, BTreeMap<String, String>>,
        }
        let defaults = "[test]\nnetworks = []\n[test.issuers]\n";
        let flags = vec![
            ("test.networks", r#"["a", "b"]"#.to_owned()),
            ("test.issuers", r#"{acme={issuer="https://login.example/?a=b"}}"#.to_owned()),
        ];
        let sources = Sources { flags, ..Sources::default() };
        let configuration = Configuration::load(&[defaults], &sources).expect("it loads");
        let section: Section = configuration.section("test").expect("a section");
        assert_eq!(section.networks, ["a", "b"]);
        assert_eq!(section.issuers["acme"]["issuer"], "https://login.example/?a=b");
    }

    #[test]
    fn open_to_the_world_and_unencrypted_is_refused() {
        let open = [("server.grpc_address", "0.0.0.0:1")];
        assert!(problem(with(&open).server()).contains("plaintext_off_loopback"));
    }

    #[test]
    fn an_account_key_is_read_digit_by_digit() {
        let key = format!("{}ff", "00".repeat(31));
        let server = with(&[("server.account_key", &key)]).server().expect("a server");
        let mut expected = [0; 32];
        expected[31] = 255;
        assert_eq!(
            server.account_key().expect("a key").check_value(),
            AccountKey::new(expected).check_value()
        );
    }
}
