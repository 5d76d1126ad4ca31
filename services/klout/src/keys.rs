//! `klout keys`: keys of customers, and service tokens.

mod token;

use klout_model::Purpose;
use klout_proto::{
    convert,
    json::to_value,
    profile::v1::{
        CreateKeyRequest, Key, ListKeysRequest, RevokeKeyRequest, RotateKeyRequest, Scopes,
        UpdateKeyRequest,
    },
};
use time::{Duration, OffsetDateTime};

use self::token::Token;
use crate::{
    arguments::{self, print_time},
    client::{Missing, Target, retried},
    exit::Failure,
    output,
    table::{self, Column},
};

/// What a key may call.
const SCOPES: [&str; 9] = [
    "scores",
    "people",
    "topics",
    "influence",
    "lookups",
    "segments",
    "perks",
    "signals",
    "legacy",
];

/// Makes, lists, changes, rotates and takes back the keys of customers, and makes service tokens.
///
/// A key is a customer's: kept by the installation, valid at the gateway alone, for what its scopes say, within its
/// limits, until it expires or is taken back. A token is yours: signed and not kept, valid everywhere until it expires.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
From a key to an answer:
  KEY=$(klout keys create crm --purpose crm)
  curl -H \"x-api-key: $KEY\" http://127.0.0.1:8080/v1/accounts/bluesky/ann/score
  klout keys list

docs/keys.md tells the whole of it, and how tokens of an identity provider are let in.")]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Create(Create),
    List(List),
    Update(Update),
    Rotate(Rotate),
    Revoke(Revoke),
    Token(Token),
}

/// Makes a key for a customer, and prints it for the only time.
///
/// The key alone goes to stdout. Only a hash of it is kept: a key that was lost is rotated, or taken back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Examples:
  klout keys create crm --purpose crm
  klout keys create desk --purpose check-in --scope perks --scope lookups
  klout keys create lab --purpose research --scope scores --calls-per-second 5 --days 30

Nobody's score may decide on their work, credit, insurance or home: a key for hiring, lending or renting is refused,
and docs/purposes.md says by what laws.")]
struct Create {
    /// Who will call with it: stands in logs, and people see it in the list of who looked at them
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    name: String,
    /// What for; people see it too, and it decides whom the key sees: `show`, `crm`, `perks` and `research` who
    /// consents to that, every other text who consents to `crm`
    #[arg(long, value_name = "TEXT", value_parser = customers_purpose)]
    purpose: String,
    #[command(flatten)]
    what: What,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Lists keys by name, expired and revoked ones too. Of their secrets it shows the last four characters.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Examples:
  klout keys list
  klout keys list --json")]
struct List {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Changes what a key may call, how much, and until when. What is not said is kept.
///
/// Who it is for and what for stays: make another one. Every gateway goes by it within two seconds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Examples:
  klout keys update 4f6b... --scope scores --scope topics        these two, and no others any more
  klout keys update 4f6b... --calls-per-day 0                    without a limit
  klout keys update 4f6b... --expires 2027-01-01T00:00:00Z")]
struct Update {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    what: What,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Gives a key a second secret, and prints the new key for the only time.
///
/// Both are valid until the old one ends, so that nothing stands still while a customer puts the new one in place. With
/// --overlap-hours 0 all old ones end at once, as when somebody has seen one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Examples:
  klout keys rotate 4f6b...
  klout keys rotate 4f6b... --overlap-hours 0                    the old one leaked")]
struct Rotate {
    #[command(flatten)]
    which: Which,
    /// How long the old secret stays valid
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u16).range(0..=2_160))]
    overlap_hours: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Takes a key back, for good: no gateway lets it in any more within two seconds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Example:
  klout keys revoke 4f6b...")]
struct Revoke {
    #[command(flatten)]
    which: Which,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The id of the key: its middle part, as `klout keys list` shows it
    // Not `key`, which is what is shown to --server.
    #[arg(value_name = "KEY", value_parser = id)]
    id: String,
}

#[derive(Debug, clap::Args)]
struct What {
    /// What it may call; once for each [default of a new one: all but perks, signals and legacy]
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',',
          value_parser = clap::builder::PossibleValuesParser::new(SCOPES))]
    scopes: Vec<String>,
    /// Calls a second at most, over all gateways; 0: no limit [default of a new one: the installation's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    calls_per_second: Option<i64>,
    /// Calls a UTC day at most, over all gateways; 0: no limit [default of a new one: the installation's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    calls_per_day: Option<i64>,
    /// When it ends [default of a new one: never]
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    expires: Option<OffsetDateTime>,
    /// The same, from now on
    #[arg(long, value_name = "DAYS", conflicts_with = "expires", value_parser = clap::value_parser!(u16).range(1..=3_650))]
    days: Option<u16>,
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

/// The same of a key of a customer.
fn customers_purpose(text: &str) -> Result<String, String> {
    if Purpose::of_key(text) == Ok(Purpose::Operator) {
        return Err(
            "no customer is an operator: `klout keys token` makes tokens for them".to_owned()
        );
    }
    purpose(text)
}

/// What names a key. Whoever puts a whole key there would leave it in the history of their shell.
fn id(text: &str) -> Result<String, String> {
    if text.starts_with("klout_") {
        return Err("a whole key: give its middle part alone, which is no secret".to_owned());
    }
    let is_id = text.len() == 24 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    if is_id { Ok(text.to_owned()) } else { Err("not 24 characters of 0-9 and a-f".to_owned()) }
}

// === impl Keys ===

impl Keys {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Create(create) => create.run(),
            Command::List(list) => list.run(),
            Command::Update(update) => update.run(),
            Command::Rotate(rotate) => rotate.run(),
            Command::Revoke(revoke) => revoke.run(),
            Command::Token(token) => token.run(),
        }
    }
}

// === impl What ===

impl What {
    fn expire_time(&self) -> Option<OffsetDateTime> {
        let from_now =
            |days: u16| klout_chassis::Clock::running().now() + Duration::days(days.into());
        self.expires.or(self.days.map(from_now))
    }

    fn says_nothing(&self) -> bool {
        let Self { scopes, calls_per_second, calls_per_day, expires, days } = self;
        let limits = calls_per_second.or(*calls_per_day).is_some();
        scopes.is_empty() && !limits && expires.is_none() && days.is_none()
    }
}

// === impl Create ===

impl Create {
    fn run(self) -> Result<(), Failure> {
        let Self { name, purpose, what, json, target } = self;
        let expire_time = what.expire_time().map(convert::timestamp);
        let What { scopes, calls_per_second, calls_per_day, .. } = what;
        let request = CreateKeyRequest {
            name,
            purpose,
            scopes,
            calls_per_second,
            calls_per_day,
            expire_time,
        };
        // Not tried again: a key whose answer was lost is there, and nobody has seen it.
        let response = target.ask(Missing::Refuse, async |client| {
            Ok(client.keys().create_key(request).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let key = response.key.unwrap_or_default();
        eprintln!("klout: key {} of {}, for {}", key.key, key.name, key.scopes.join(", "));
        eprintln!("klout: what follows is shown once and kept nowhere");
        output::line(&response.secret)
    }
}

// === impl List ===

impl List {
    fn run(self) -> Result<(), Failure> {
        let Self { top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ListKeysRequest { page_size: top.into(), ..Default::default() };
            let listed = retried(|| {
                let (mut client, request) = (client.keys(), request.clone());
                async move { client.list_keys(request).await }
            });
            Ok(listed.await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if response.keys.is_empty() {
            eprintln!("klout: there is none; `klout keys create` makes one");
            return Ok(());
        }
        let columns = [
            Column::Text("key"),
            Column::Text("name"),
            Column::Text("purpose"),
            Column::Text("scopes"),
            Column::Text("secrets"),
            Column::Number("today"),
            Column::Text("last used"),
            Column::Text(""),
        ];
        table::print(columns, response.keys.iter().map(row))?;
        if !response.next_page_token.is_empty() {
            eprintln!("klout: there are more, see --top");
        }
        Ok(())
    }
}

fn row(key: &Key) -> [String; 8] {
    let endings: Vec<String> = key.secrets.iter().map(|it| format!("…{}", it.ending)).collect();
    let last_use = key.last_use_time.as_ref().and_then(convert::time);
    [
        key.key.clone(),
        key.name.clone(),
        key.purpose.clone(),
        key.scopes.join(" "),
        endings.join(" "),
        output::grouped(key.calls_today),
        last_use.map(|time| arguments::day(time).to_string()).unwrap_or_default(),
        state(key, klout_chassis::Clock::running().now()),
    ]
}

/// What is to be said of a key that is not simply valid.
fn state(key: &Key, now: OffsetDateTime) -> String {
    let time = |time: Option<&prost_types::Timestamp>| time.and_then(convert::time);
    match (time(key.revoke_time.as_ref()), time(key.expire_time.as_ref())) {
        (Some(revoked), _) => format!("revoked {}", arguments::day(revoked)),
        (None, Some(end)) if end <= now => format!("expired {}", arguments::day(end)),
        (None, Some(end)) => format!("until {}", print_time(end)),
        (None, None) => String::new(),
    }
}

// === impl Update ===

impl Update {
    fn run(self) -> Result<(), Failure> {
        let Self { which, what, json, target } = self;
        if what.says_nothing() {
            return Err(Failure::Usage("say what to change: klout keys update --help".to_owned()));
        }
        let expire_time = what.expire_time().map(convert::timestamp);
        let What { scopes, calls_per_second, calls_per_day, .. } = what;
        let scopes = Some(Scopes { scopes }).filter(|it| !it.scopes.is_empty());
        let request = UpdateKeyRequest {
            key: which.id,
            scopes,
            calls_per_second,
            calls_per_day,
            expire_time,
        };
        let response = target.ask(Missing::Refuse, async |client| {
            let changed = retried(|| {
                let (mut client, request) = (client.keys(), request.clone());
                async move { client.update_key(request).await }
            });
            Ok(changed.await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let key = response.key.unwrap_or_default();
        let limit = |limit: i64| match limit {
            0 => "no limit".to_owned(),
            limit => output::grouped(limit),
        };
        output::line(&format!("scopes             {}", key.scopes.join(" ")))?;
        output::line(&format!("calls per second   {}", limit(key.calls_per_second)))?;
        output::line(&format!("calls per day      {}", limit(key.calls_per_day)))?;
        match key.expire_time.as_ref().and_then(convert::time) {
            Some(end) => output::line(&format!("expires            {}", print_time(end))),
            None => Ok(()),
        }
    }
}

// === impl Rotate ===

impl Rotate {
    fn run(self) -> Result<(), Failure> {
        let Self { which, overlap_hours, json, target } = self;
        let seconds = i64::from(overlap_hours) * 3_600;
        let overlap = Some(prost_types::Duration { seconds, nanos: 0 });
        let request = RotateKeyRequest { key: which.id, overlap };
        // Not tried again: a secret whose answer was lost is one of two, and nobody has seen it.
        let response = target.ask(Missing::Refuse, async |client| {
            Ok(client.keys().rotate_key(request).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let key = response.key.unwrap_or_default();
        for secret in &key.secrets {
            if let Some(end) = secret.expire_time.as_ref().and_then(convert::time) {
                eprintln!("klout: the one that ends in {} ends {}", secret.ending, print_time(end));
            }
        }
        eprintln!("klout: what follows is shown once and kept nowhere");
        output::line(&response.secret)
    }
}

// === impl Revoke ===

impl Revoke {
    fn run(self) -> Result<(), Failure> {
        let Self { which, json, target } = self;
        let request = RevokeKeyRequest { key: which.id };
        let response = target.ask(Missing::Refuse, async |client| {
            let revoked = retried(|| {
                let (mut client, request) = (client.keys(), request.clone());
                async move { client.revoke_key(request).await }
            });
            Ok(revoked.await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let key = response.key.unwrap_or_default();
        eprintln!("klout: {} of {} opens nothing any more", key.key, key.name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_its_id_and_never_by_all_of_it() {
        let of = "0123456789abcdef01234567";
        assert_eq!(id(of).as_deref(), Ok(of));
        let whole = format!("klout_{of}_{}", "0".repeat(64));
        assert!(id(&whole).expect_err("a secret").contains("middle part"));
        for wrong in ["", "crm", &of[1..], &of.to_uppercase()] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_customer_is_an_operator() {
        assert!(customers_purpose("operator").expect_err("refused").contains("klout keys token"));
        assert!(customers_purpose("internal").is_err() && customers_purpose("hiring").is_err());
        assert_eq!(customers_purpose("check-in").as_deref(), Ok("check-in"));
        assert_eq!(purpose("operator").as_deref(), Ok("operator"));
    }
}
