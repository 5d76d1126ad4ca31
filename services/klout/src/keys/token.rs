//! `klout keys`: tokens for whoever calls.

use std::path::PathBuf;

use klout_chassis::Clock;
use klout_model::Purpose;
use time::Duration;

use crate::{
    data_directory::DataDirectory,
    exit::Failure,
    output,
    settings::{Settings, host},
};

/// Makes the keys that callers show.
#[derive(Debug, clap::Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Create(Create),
}

/// Prints a key for a caller, signed with this installation's token secret.
///
/// The key is valid for gRPC and at the gateway. It is not kept anywhere, and cannot be taken back
/// before it expires: a new token secret ends all of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout keys create crm --purpose look-ups                      for the `klout up` of this user
  klout keys create lab --purpose research                      sees who consents to research
  klout keys create desk --config klout.toml                    for services with that configuration

Nobody's score may decide on their work, credit, insurance or home: a key for hiring, lending or renting is refused,
and docs/purposes.md says by what laws.")]
struct Create {
    /// Who will call with it, such as crm; it stands in logs
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    name: String,
    /// What for; people see it in the list of who looked at them. `show`, `crm`, `perks` and `research` show who
    /// consents to that, every other text who consents to `crm`; `operator` shows every member, and opens what
    /// services have for one another as well
    #[arg(long, value_name = "TEXT", default_value = "look-ups", value_parser = purpose)]
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

/// A purpose that a key may have.
fn purpose(text: &str) -> Result<String, String> {
    match Purpose::of_key(text) {
        Ok(Purpose::Internal) => {
            Err("services make the keys themselves by which they call one another".to_owned())
        }
        Ok(_) => Ok(text.to_owned()),
        Err(refused) => Err(format!(
            "{refused}: laws on credit reports, automated decisions and social scoring forbid to let a score decide \
             on somebody's work, credit, insurance or home; see docs/purposes.md"
        )),
    }
}

// === impl Keys ===

impl Keys {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Create(create) => create.run(),
        }
    }
}

// === impl Create ===

impl Create {
    fn run(self) -> Result<(), Failure> {
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
