//! `klout keys token`: service tokens, which need no store.

use std::path::PathBuf;

use klout_chassis::Clock;
use time::Duration;

use crate::{
    data_directory::DataDirectory,
    exit::Failure,
    output,
    settings::{Settings, host},
};

/// Prints a service token, signed with this installation's token secret. Nothing needs to run.
///
/// A token is for what is yours: services, scripts, and whoever runs the installation. It is valid everywhere, also where
/// services answer one another, has no scopes and no limits, and is not kept anywhere: it cannot be taken back before
/// it expires, but for a new token secret, which ends all of them. Customers get keys: `klout keys create`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout keys token nightly --purpose look-ups                   for the `klout up` of this user
  klout keys token lab --purpose research                       sees who consents to research
  klout keys token admin --purpose operator --days 7            may do everything
  klout keys token desk --config klout.toml                     for services with that configuration

Nobody's score may decide on their work, credit, insurance or home: a key for hiring, lending or renting is refused,
and docs/purposes.md says by what laws.")]
pub(super) struct Token {
    /// Who will call with it, such as crm; it stands in logs
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    name: String,
    /// What for; people see it in the list of who looked at them. `show`, `crm`, `perks` and `research` show who
    /// consents to that, every other text who consents to `crm`; `operator` shows every member, and opens what
    /// services have for one another as well
    #[arg(long, value_name = "TEXT", default_value = "look-ups", value_parser = super::purpose)]
    purpose: String,
    /// How long it is valid
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// Signs with the secret of this folder [default: that of the configuration, else that of klout in
    /// the user's data folder]
    #[arg(long, value_name = "DIR", env = "KLOUT_DATA_DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

// === impl Token ===

impl Token {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut configuration = self.settings.load(&host(), Vec::new())?;
        if self.data_dir.is_some() || !configuration.is_set("server.token_secret")? {
            let path = DataDirectory::path_or_default(self.data_dir)?;
            if let Some(directory) = DataDirectory::existing(&path) {
                let secret = directory.token_secret()?;
                configuration = configuration.with("server.token_secret", secret);
            }
        }
        let key = configuration.server().and_then(|server| server.token_key())?;
        let time_to_live = Duration::days(self.days.into());
        let token = key
            .mint(&self.name, &self.purpose, Clock::running().now(), time_to_live)
            .map_err(|error| Failure::failed(&error))?;
        output::line(&token)
    }
}
